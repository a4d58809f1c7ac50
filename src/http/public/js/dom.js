export const byId = (id) => document.getElementById(id);

/** Writes only what changed: a page that is left open must not redo its layout every second. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes an element; `attributes` with the value null are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * Keeps one child for each item, found again by its key, so that focus and selection survive an update.
 * `create(item)` makes the child, `update(child, item)` fills it.
 */
export function keyed(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    if (child === undefined) {
      child = create(item);
      child.dataset.key = key;
    }
    known.delete(key);
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of known.values()) child.remove();
}

export function setWidth(element, share) {
  const width = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
  if (element.style.width !== width) element.style.width = width;
}
