/**
 * Who shops for sneakers online. Assumptions, each with what it leans on; a measurement of the generated customers
 * is held against them.
 */
export const people = {
  /** generocliente 1 Masculino, 2 Feminino, 3 Outro. Assumption: about even, as sneaker shoppers are; a small part does not say. */
  gender: [
    [1, 0.485],
    [2, 0.5],
    [3, 0.015],
  ],
  /** estadocivil 1 Solteiro(a), 2 Casado(a), 3 Divorciado(a), 4 Viúvo(a). Assumption: IBGE's adults, moved to the younger ages that buy online. */
  maritalStatus: [
    [1, 0.55],
    [2, 0.35],
    [3, 0.08],
    [4, 0.02],
  ],
  /** emailmarketing 1 Sim. Assumption: opt-in at registration. */
  optIn: 0.62,
  /** A second surname, as most Brazilians have. Assumption. */
  secondSurname: 0.6,
  /** Flats among the addresses. IBGE, Censo 2022: about 13 % of the homes; more where people buy online. Assumption. */
  flat: 0.25,
  emailProviders: [
    ['gmail.com', 0.62],
    ['hotmail.com', 0.15],
    ['outlook.com', 0.09],
    ['yahoo.com.br', 0.06],
    ['icloud.com', 0.04],
    ['uol.com.br', 0.02],
    ['terra.com.br', 0.02],
  ],
} as const;
