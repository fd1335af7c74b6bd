  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- language, theme, print
  const speak = (lang) => {
    root.lang = lang;
    all("[data-lang]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.lang === lang)));
  };
  all("[data-lang]").forEach((button) => button.addEventListener("click", () => speak(button.dataset.lang)));
  speak(root.lang);
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    redraw();
  });
  document.getElementById("print").addEventListener("click", () => print());
  let beforePrint = null;
  addEventListener("beforeprint", () => {
    beforePrint = { theme: root.dataset.theme };
    root.dataset.theme = "light";
    redraw();
  });
  addEventListener("afterprint", () => {
    if (!beforePrint) return;
    if (beforePrint.theme) root.dataset.theme = beforePrint.theme;
    else delete root.dataset.theme;
    beforePrint = null;
    redraw();
  });
  prefersDark.addEventListener("change", () => redraw());
