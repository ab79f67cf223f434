// @ts-check
/** @module Elements found and made, with types. Text is always text: nothing here takes markup. */

/**
 * The element with an id, of the kind that is expected.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  return of(document.getElementById(id), kind, `#${id}`);
}

/**
 * The first element within `root` that a selector finds.
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function within(root, selector, kind) {
  return of(root.querySelector(selector), kind, selector);
}

/**
 * @template {Element} T
 * @param {Element | null} found
 * @param {new () => T} kind
 * @param {string} what
 * @returns {T}
 */
function of(found, kind, what) {
  if (found instanceof kind) return found;
  throw new TypeError(`the page has no ${what} of kind ${kind.name}`);
}

/**
 * A new element with attributes and children; text becomes text.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[N]}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * A copy of what is in `<template id="…">`.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function copy(id) {
  const made = byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true);
  if (made instanceof HTMLElement) return made;
  throw new TypeError(`<template id="${id}"> is empty`);
}

/** Told to people who do not see the page. @param {string} text */
export function announce(text) {
  byId("status", HTMLElement).textContent = text;
}
