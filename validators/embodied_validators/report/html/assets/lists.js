  // ---- filters, order and folding of lists
  const filtered = (section) => {
    const rows = all("[data-row]", section), search = section.querySelector("input[type=search]");
    const buttons = all(".filter button", section), shown = section.querySelector("[data-shown]");
    const apply = () => {
      const off = buttons.filter((button) => button.getAttribute("aria-pressed") === "false");
      const words = search ? search.value.trim().toLowerCase() : "";
      rows.forEach((row) => {
        const out = off.some((button) => row.dataset[button.parentElement.dataset.filter] === button.dataset.value);
        row.hidden = out || Boolean(words && !row.textContent.toLowerCase().includes(words));
      });
      const count = rows.filter((row) => !row.hidden).length;
      if (shown) all("span", shown).concat(shown).filter((node) => !node.children.length).forEach((node) => {
        node.textContent = node.textContent.replace(/\d+/, String(count));
      });
    };
    buttons.forEach((button) => button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
      apply();
    }));
    if (search) search.addEventListener("input", apply);
  };
  all("section[data-filtered]").forEach(filtered);

  const sortable = (table) => all("th button[data-sort]", table).forEach((button) => button.addEventListener("click", () => {
    const head = button.closest("th"), index = head.cellIndex, body = table.tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[index].dataset.key;
    [...body.rows]
      .sort((one, other) => sign * key(one).localeCompare(key(other), "en", { numeric: true }))
      .forEach((row) => body.append(row));
  }));
  all("table[data-sortable]").forEach(sortable);

  const opener = document.getElementById("open-all");
  if (opener) opener.addEventListener("click", () => {
    const open = opener.getAttribute("aria-pressed") === "false";
    opener.setAttribute("aria-pressed", String(open));
    all("details.row").forEach((row) => { row.open = open; });
  });
