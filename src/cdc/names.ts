/** The publication that `setup-cdc` makes and every reader may use. */
export const PUBLICATION = 'cdc_sim';
/** The login role that `setup-cdc` makes for a reader. */
export const READER_ROLE = 'cdc_reader';
/** The slot of the local lakehouse; exists only while somebody uses it. */
export const LAKEHOUSE_SLOT = 'cdc_sim_lakehouse';
/** Temporary slots of `doctor` start with this; they live for some seconds and are told to nobody. */
export const DOCTOR_SLOT = 'cdc_sim_doctor_';
