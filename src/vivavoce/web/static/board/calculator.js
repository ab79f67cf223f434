// @ts-check
// What a given use would cost at each model of the page's table. All it knows are the prices in the table's rows; it asks
// nobody. A classic script, so that a page opened from a disk has it too.

(() => {
  const MILLION = 1e6;

  /**
   * Dollars, or null where a price that it takes is not in the row. The same rule as prices/book.py: what is billed by the
   * second or the character is not billed by the token beside it.
   * @param {DOMStringMap} row
   * @param {{heardS: number, spokenS: number, textIn: number, textOut: number}} use
   * @returns {number | null}
   */
  const cost = (row, use) => {
    /** @param {string | undefined} text */
    const rate = (text) => (text === undefined || text === "" ? null : Number(text));
    const outPerS = rate(row.outPerS);
    if (use.spokenS > 0 && (outPerS === null || rate(row.outputAudioTokens) === null)) return null;
    const seconds = rate(row.inputSeconds);
    /** @type {[number, number | null][]} */
    const parts = [
      seconds === null
        ? [Math.floor(use.heardS * Number(row.inPerS)), rate(row.inputAudioTokens)]
        : [use.heardS, seconds],
      [Math.floor(use.spokenS * (outPerS ?? 0)), rate(row.outputAudioTokens)],
      [use.textIn, rate(row.inputTextTokens)],
      [use.textOut, rate(row.outputTextTokens)],
    ];
    const tokens = ["inputAudioTokens", "outputAudioTokens", "inputTextTokens", "outputTextTokens"];
    const billsTokens = tokens.some((name) => name in row);
    let usd = 0;
    for (const [index, [count, price]] of parts.entries()) {
      if (count === 0) continue;
      if (!billsTokens && index > 0) continue; // billed by the second alone: its tokens are free
      if (price === null) return null;
      usd += (count * price) / MILLION;
    }
    return usd;
  };

  /**
   * As the server tells money: to the cent from a dollar on, two digits that count below.
   * @param {number} usd
   */
  const told = (usd) => {
    if (usd === 0) return "$0";
    const digits = usd >= 1 ? 2 : Math.max(2, 1 - Math.floor(Math.log10(usd)));
    return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("[data-calculator]");
    const said = document.querySelector("[data-calculator-told]");
    if (!(form instanceof HTMLFormElement) || said === null) return;
    /** @type {NodeListOf<HTMLElement>} */
    const rows = document.querySelectorAll("tr[data-model]");

    /** @param {string} name */
    const given = (name) => {
      const field = form.elements.namedItem(name);
      const value = field instanceof HTMLInputElement ? field.valueAsNumber : NaN;
      return Number.isFinite(value) && value > 0 ? value : 0;
    };

    const show = () => {
      const use = {
        heardS: given("heard") * 60,
        spokenS: given("spoken") * 60,
        textIn: given("text_in"),
        textOut: given("text_out"),
      };
      const times = given("times");
      /** @type {{name: string, usd: number}[]} */
      const found = [];
      for (const row of rows) {
        const usd = cost(row.dataset, use);
        const cell = row.querySelector("[data-calculator-cell]");
        if (cell !== null) cell.textContent = usd === null ? "–" : told(usd * times);
        if (usd !== null) found.push({ name: row.dataset.model ?? "", usd: usd * times });
      }
      found.sort((one, other) => one.usd - other.usd);
      const [first] = found;
      said.textContent =
        first === undefined
          ? "No model of the table does that, or its price is not known."
          : `The least of ${found.length} models that do it: ${told(first.usd)}, ${first.name}.`;
    };

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", show);
    for (const hidden of document.querySelectorAll("[data-calculator-cell], [data-calculator-head]"))
      hidden.removeAttribute("hidden");
    form.hidden = false;
    show();
  });
})();
