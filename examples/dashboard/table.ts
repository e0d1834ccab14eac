/** The riskiest: a table of as many rows as are on the screen, over as many as there are. */

export interface Column<R> {
  readonly title: string;
  /** What orders by it, if something does. */
  readonly order?: string;
  readonly text: (row: R, exact: boolean) => string;
  readonly left?: boolean;
  readonly wide?: boolean;
}

/** Height of a row, as the stylesheet has it, and rows beyond the edges of the screen. */
const ROW = 36, BEYOND = 2;

export class Table<R> {
  readonly #scroller: HTMLElement;
  readonly #head: HTMLTableRowElement;
  readonly #body: HTMLTableSectionElement;
  readonly #above: HTMLTableRowElement;
  readonly #below: HTMLTableRowElement;
  readonly #table: HTMLTableElement;
  readonly #open: (row: R, at: number) => void;
  #columns: readonly Column<R>[] = [];
  #rows: HTMLTableRowElement[] = [];
  /** As they were last told: to ask for them would lay the page out anew at every scan. */
  #top = 0;
  #height = 0;
  #first = 0;
  #count = 0;
  #at: (position: number) => R = () => { throw new RangeError("no rows"); };
  #exact = false;

  constructor(scroller: HTMLElement, caption: string, sort: (order: string) => void, open: (row: R, at: number) => void) {
    this.#scroller = scroller;
    this.#open = open;
    this.#table = scroller.appendChild(document.createElement("table"));
    this.#table.createCaption().textContent = caption;
    this.#head = this.#table.createTHead().insertRow();
    this.#body = this.#table.createTBody();
    this.#above = this.#body.insertRow();
    this.#below = this.#body.insertRow();
    for (const spacer of [this.#above, this.#below]) {
      spacer.className = "spacer";
      spacer.setAttribute("aria-hidden", "true");
    }
    scroller.addEventListener("scroll", () => {
      this.#top = scroller.scrollTop;
      this.#paint();
    }, { passive: true });
    new ResizeObserver(() => {
      this.#height = scroller.clientHeight;
      this.#paint();
    }).observe(scroller);
    this.#head.addEventListener("click", ({ target }) => {
      const order = (target as HTMLElement).closest("button")?.dataset["order"];
      if (order) sort(order);
    });
    this.#body.addEventListener("click", ({ target }) => {
      const row = this.#rows.indexOf((target as HTMLElement).closest("tr") as HTMLTableRowElement);
      if (row >= 0) this.#open(this.#at(this.#first + row), this.#first + row);
    });
    this.#body.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
      const row = this.#rows.indexOf((event.target as HTMLElement).closest("tr") as HTMLTableRowElement);
      if (!step || row < 0) return;
      event.preventDefault();
      this.focus(Math.min(this.#count - 1, Math.max(0, this.#first + row + step)));
    });
  }

  /** The last row that is on the screen. */
  get last(): number { return Math.ceil((this.#top + this.#height) / ROW) + BEYOND; }

  set columns(columns: readonly Column<R>[]) {
    this.#columns = columns;
    for (const row of this.#rows.splice(0)) row.remove();
    this.#head.replaceChildren(...columns.map(({ title, order, left, wide }) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (left) cell.className = wide ? "left wide" : "left";
      if (order) {
        const button = cell.appendChild(document.createElement("button"));
        button.type = "button";
        button.dataset["order"] = order;
        button.textContent = title;
      } else cell.textContent = title;
      return cell;
    }));
    for (const spacer of [this.#above, this.#below]) {
      spacer.replaceChildren(document.createElement("td"));
      spacer.cells[0]!.colSpan = columns.length;
    }
  }

  /** Shows by which column the rows are ordered; `reversed`: with the last first. */
  sorted(order: string, reversed: boolean, downwards: boolean): void {
    for (const cell of this.#head.cells) {
      const { order: own } = cell.querySelector("button")?.dataset ?? {};
      if (!own) continue;
      if (own === order) cell.setAttribute("aria-sort", downwards !== reversed ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  }

  set exact(exact: boolean) {
    this.#exact = exact;
    this.#table.classList.toggle("exact", exact);
    this.#paint();
  }

  /** What the rows are. */
  show(count: number, at: (position: number) => R): void {
    this.#count = count;
    this.#at = at;
    this.#table.setAttribute("aria-rowcount", String(count + 1));
    this.#paint();
  }

  focus(position: number): void {
    const top = position * ROW, head = this.#head.offsetHeight;
    if (top < this.#top) this.#scroller.scrollTop = top;
    else if (top + ROW > this.#top + this.#height - head) this.#scroller.scrollTop = top + ROW - this.#height + head;
    this.#top = this.#scroller.scrollTop;
    this.#paint();
    this.#rows[position - this.#first]?.querySelector("button")?.focus();
  }

  #paint(): void {
    const shown = Math.min(this.#count, Math.ceil(this.#height / ROW) + 2 * BEYOND);
    this.#first = Math.max(0, Math.min(Math.floor(this.#top / ROW) - BEYOND, this.#count - shown));
    this.#above.cells[0]?.style.setProperty("height", `${this.#first * ROW}px`);
    this.#below.cells[0]?.style.setProperty("height", `${(this.#count - this.#first - shown) * ROW}px`);
    while (this.#rows.length > shown) this.#rows.pop()!.remove();
    while (this.#rows.length < shown) this.#rows.push(this.#body.insertBefore(this.#makeRow(), this.#below));
    for (const [i, row] of this.#rows.entries()) {
      const item = this.#at(this.#first + i);
      row.setAttribute("aria-rowindex", String(this.#first + i + 2));
      for (const [column, { text }] of this.#columns.entries()) {
        const cell = row.cells[column]!, into = column ? cell : cell.firstElementChild!, said = text(item, this.#exact);
        if (into.textContent !== said) into.textContent = said;
      }
    }
  }

  #makeRow(): HTMLTableRowElement {
    const row = document.createElement("tr");
    for (const [column, { left }] of this.#columns.entries()) {
      const cell = row.appendChild(document.createElement(column ? "td" : "th"));
      if (left) cell.className = "left";
      if (column) continue;
      (cell as HTMLTableCellElement).scope = "row";
      const button = cell.appendChild(document.createElement("button"));
      button.type = "button";
    }
    return row;
  }
}
