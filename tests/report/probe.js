// Uses the page as a reader would and writes what happened to <body data-result>.
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
const visible = () => all("details.row").filter((row) => !row.hidden).map((row) => row.id);
window.requestAnimationFrame = (draw) => draw(); // a headless browser may never come to the next frame

result.first = spoken();
document.querySelector("[data-lang=zh-CN]").click();
result.second = spoken();
document.querySelector("[data-lang=en]").click();
result.third = spoken();

result.canvases = all("canvas").map((canvas) => ({ colours: painted(canvas) }));

const light = getComputedStyle(page).backgroundColor;
document.getElementById("theme").click();
result.theme = [light, getComputedStyle(page).backgroundColor];
document.getElementById("theme").click();

const only = document.querySelector("[data-filter=state] [data-value=undetermined]");
only.click();
result.failed = visible();
result.shown = document.querySelector("#shown .en").innerText;
only.click();
const search = document.getElementById("search");
search.value = "usb bandwidth";
search.dispatchEvent(new Event("input"));
result.found = visible();

const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
HTMLCanvasElement.prototype.setPointerCapture = () => {}; // no real pointer stands behind these events
const point = (kind, x) =>
  canvas.dispatchEvent(new PointerEvent(kind, { clientX: box.left + x, clientY: box.top + 50, pointerId: 1, bubbles: true }));
point("pointermove", 300);
result.values = all(".plot output").map((output) => output.textContent);
const before = canvas.toDataURL();
point("pointerdown", 200);
point("pointermove", 260);
point("pointerup", 260);
result.zoomed = document.querySelector("article.episode").classList.contains("zoomed") && canvas.toDataURL() !== before;
document.body.dataset.result = JSON.stringify(result);
