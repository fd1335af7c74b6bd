// Uses the page as a reader would and writes what happened to <body data-result>.
(async () => {
const drawn = () => "drawn" in document.body.dataset;
while (!drawn()) await new Promise((ready) => setTimeout(ready, 10));
const result = { hacked: Boolean(window.hacked) };
const all = (selector) => [...document.querySelectorAll(selector)];
const page = document.documentElement;
const spoken = () => [page.lang, document.querySelector(".verdict").innerText];
const painted = (canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] === 255) colours.add((pixels[i] << 16) + (pixels[i + 1] << 8) + pixels[i + 2]);
  }
  return [...colours];
};
const shot = (canvas) => canvas.toDataURL();
const visible = () => all("details.row").filter((row) => !row.hidden).map((row) => row.id);
window.requestAnimationFrame = (draw) => draw(); // a headless browser may never come to the next frame

result.first = spoken();
document.querySelector("[data-lang=zh-CN]").click();
result.second = spoken();
document.querySelector("[data-lang=en]").click();
result.third = spoken();

result.canvases = all("canvas[data-plot]").map((canvas) => ({ colours: painted(canvas) }));

const light = getComputedStyle(page).backgroundColor;
document.getElementById("theme").click();
result.theme = [light, getComputedStyle(page).backgroundColor];
document.getElementById("theme").click();

const only = document.querySelector("[data-filter=state] [data-value=undetermined]");
if (only) only.click(); // a state that all share has no button
result.failed = visible();
result.shown = document.querySelector("#findings [data-shown] .en").innerText;
if (only) only.click(); // a state that all share has no button
const search = document.querySelector("#findings input[type=search]");
search.value = "usb bandwidth";
search.dispatchEvent(new Event("input"));
result.found = visible();

const rows = () => all("#episodes tbody tr").filter((row) => !row.hidden).map((row) => row.cells[0].innerText);
const level = document.querySelector("#episodes [data-filter=level] [data-value=L1]");
if (level) {
  result.listed = rows();
  level.click();
  result.withoutL1 = rows();
  result.shownEpisodes = document.querySelector("#episodes [data-shown] .en").innerText;
  level.click();
  document.querySelectorAll("#episodes th button")[3].click();
  result.ascending = rows();
  document.querySelectorAll("#episodes th button")[3].click();
  result.descending = rows();
}

const canvas = document.querySelector("canvas[data-plot]"), box = canvas.getBoundingClientRect();
const article = document.querySelector("article.episode"), path = document.querySelector("canvas[data-path]");
HTMLCanvasElement.prototype.setPointerCapture = () => {}; // no real pointer stands behind these events
const point = (kind, x, on = canvas, from = box) =>
  on.dispatchEvent(new PointerEvent(kind, { clientX: from.left + x, clientY: from.top + 50, pointerId: 1, bubbles: true }));
const key = (name, on) => on.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const wheel = (deltaY, more) =>
  !canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX: box.left + 300, clientY: box.top + 50, bubbles: true, cancelable: true, ...more }));
const zoomed = () => article.classList.contains("zoomed");
const whole = shot(canvas);

if (path) {
  result.path = painted(path);
  const home = shot(path), place = path.getBoundingClientRect();
  point("pointerdown", 100, path, place);
  point("pointermove", 160, path, place);
  point("pointerup", 160, path, place);
  result.turned = shot(path) !== home;
  key("Escape", path);
  result.home = shot(path) === home;
  key("ArrowLeft", path);
  key("+", path);
  result.keyed = shot(path) !== home;
  key("Escape", path);
  point("pointermove", 300);
  result.marked = shot(path) !== home; // the cursor of the plots is on the path too
  point("pointerleave", 300);
}

point("pointermove", 300);
result.values = all(".plot output").map((output) => output.textContent);
point("pointerleave", 300);
result.scrolls = [wheel(-200, {}), zoomed()]; // a wheel alone scrolls the page
result.wheel = [wheel(-200, { ctrlKey: true }), zoomed(), shot(canvas) !== whole];
key("Escape", canvas);
result.reset = [zoomed(), shot(canvas) === whole];
key("+", canvas);
result.plus = zoomed();
document.querySelector("[data-reset]").click();
const before = shot(canvas);
point("pointerdown", 200);
point("pointermove", 260);
point("pointerup", 260);
result.zoomed = zoomed() && shot(canvas) !== before;
document.body.dataset.result = JSON.stringify(result);
})().catch((error) => { document.body.dataset.result = JSON.stringify({ error: String(error.stack) }); });
