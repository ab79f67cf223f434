// @ts-check
/**
 * @module A choice among what an endpoint offers, or anything else: a select, and a field for what it does not list.
 *
 * @typedef {{ value: string, label?: string, group?: string }} Option
 */

import { byId, make } from "./dom.js";

/** `<select id="model">` with `<input id="model-other">` beside it. */
export class Choice {
  /** @param {string} id */
  constructor(id) {
    this.select = byId(id, HTMLSelectElement);
    this.other = byId(`${id}-other`, HTMLInputElement);
    this.select.addEventListener("change", () => {
      this.#show();
      if (!this.other.hidden) this.other.focus();
    });
    this.#show();
  }

  get value() {
    return this.select.value || this.other.value.trim();
  }

  /** Put `options` up for choice; what was chosen stays so, if it is still there. @param {Option[]} options @param {number} [preferred] */
  offer(options, preferred = 0) {
    const chosen = this.select.value;
    const groups = new Map(/** @type {[string, Option[]][]} */ ([]));
    for (const option of options) groups.set(option.group ?? "", [...(groups.get(option.group ?? "") ?? []), option]);
    const shown = [...groups].map(([label, several]) => {
      const made = several.map((option) => make("option", { value: option.value }, option.label ?? option.value));
      return label ? [make("optgroup", { label }, ...made)] : made;
    });
    this.select.replaceChildren(...shown.flat(), make("option", { value: "" }, "Another …"));
    this.select.value = options.some(({ value }) => value === chosen) ? chosen : (options[preferred]?.value ?? options[0]?.value ?? "");
    this.#show();
  }

  #show() {
    this.other.hidden = this.select.value !== "";
  }
}
