"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const HOLE = 65535, STEPS = 65534, LEFT = 52, RIGHT = 8, TOP = 6, AXIS = 20;

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

  // ---- filters of the findings
  const rows = all("details.row");
  const search = document.getElementById("search");
  const filter = () => {
    const off = all(".filter button[aria-pressed=false]").map((button) => [button.parentElement.dataset.filter, button.dataset.value]);
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row) => {
      const hidden = off.some(([name, value]) => row.dataset[name] === value) || (words && !row.textContent.toLowerCase().includes(words));
      row.hidden = hidden;
      shown += hidden ? 0 : 1;
    });
    all("#shown span, #shown").filter((node) => !node.children.length).forEach((node) => {
      node.textContent = node.textContent.replace(/\d+/, String(shown));
    });
  };
  if (search) {
    all(".filter button").forEach((button) => button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
      filter();
    }));
    search.addEventListener("input", filter);
    const opener = document.getElementById("open-all");
    opener.addEventListener("click", () => {
      const open = opener.getAttribute("aria-pressed") === "false";
      opener.setAttribute("aria-pressed", String(open));
      rows.forEach((row) => { row.open = open; });
    });
  }

  // ---- plots
  const numbers = (text, range) => {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const scale = (range[1] - range[0]) / STEPS;
    return Float64Array.from({ length: bytes.length / 2 }, (_, index) => {
      const code = view.getUint16(2 * index, true);
      return code === HOLE ? NaN : range[0] + code * scale;
    });
  };
  const step = (span, room) => {
    const raw = span / Math.max(room, 1), power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw);
  };
  const places = (size) => Math.max(0, -Math.floor(Math.log10(size) + 1e-9));
  const reading = (value) => {
    if (Number.isNaN(value)) return "NaN";
    const size = Math.abs(value);
    return size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : size >= 10 ? value.toFixed(2) : value.toFixed(3);
  };
  const nearest = (times, time) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1; else high = middle;
    }
    return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
  };

  class Plot {
    constructor(canvas, data, episode, last) {
      Object.assign(this, { canvas, data, episode, last, hidden: new Set() });
      this.lines = data.lines.map((line) => ({ t: numbers(line.t, line.t_range), v: numbers(line.v, line.v_range) }));
      const box = canvas.closest(".plot");
      this.outputs = all("output", box);
      this.flat = Boolean(canvas.closest(".flat"));
      all("button.line", box).forEach((button) => button.addEventListener("click", () => {
        const index = Number(button.dataset.line), on = this.hidden.has(index);
        if (on) this.hidden.delete(index); else this.hidden.add(index);
        button.setAttribute("aria-pressed", String(on));
        this.draw();
      }));
    }
    draw() {
      const { canvas, data, episode } = this, scale = devicePixelRatio || 1;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width) return;
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
      }
      const style = getComputedStyle(root), colour = (name) => style.getPropertyValue(name).trim();
      const pen = canvas.getContext("2d");
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, width, height);
      const bottom = height - (this.last ? AXIS : 5), [from, to] = episode.range;
      this.x = (time) => LEFT + (time - from) / (to - from) * (width - LEFT - RIGHT);
      this.time = (x) => from + (x - LEFT) / (width - LEFT - RIGHT) * (to - from);
      const [low, high] = this.axis(from, to);
      const y = (value) => bottom - (value - low) / (high - low) * (bottom - TOP);
      pen.font = "11px " + style.getPropertyValue("--sans");
      this.grid(pen, colour, { width, bottom, low, high, y, from, to });
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, TOP - 1, width - LEFT - RIGHT, bottom - TOP + 2);
      pen.clip();
      data.spans.forEach(([start, end]) => {
        const x = this.x(start), wide = Math.max(this.x(end) - x, 2);
        pen.fillStyle = colour("--fault");
        pen.fillRect(x, TOP, wide, bottom - TOP);
        pen.fillStyle = colour("--fault-edge");
        pen.fillRect(x, TOP, wide, 2);
      });
      if (data.nominal) {
        pen.strokeStyle = colour("--strong-line");
        pen.setLineDash([4, 3]);
        pen.beginPath(); pen.moveTo(LEFT, y(data.nominal)); pen.lineTo(width, y(data.nominal)); pen.stroke();
        pen.setLineDash([]);
      }
      this.lines.forEach((line, index) => {
        if (!this.hidden.has(index)) this.trace(pen, line, y, colour(`--c${index % 10}`), { low, high, bottom, edge: colour("--fault-edge") });
      });
      if (episode.pick) {
        const [a, b] = episode.pick.map((time) => this.x(time));
        pen.fillStyle = colour("--pick");
        pen.fillRect(Math.min(a, b), TOP, Math.abs(b - a), bottom - TOP);
      }
      if (episode.cursor !== null) {
        pen.strokeStyle = colour("--soft");
        pen.lineWidth = 1;
        const x = Math.round(this.x(episode.cursor)) + .5;
        pen.beginPath(); pen.moveTo(x, TOP); pen.lineTo(x, bottom); pen.stroke();
      }
      pen.restore();
      this.read(pen, colour, bottom, width);
    }
    axis(from, to) {
      if (this.flat || (from === 0 && to === this.episode.duration)) return this.data.axis;
      let low = Infinity, high = -Infinity;
      this.lines.forEach(({ t, v }, index) => {
        if (this.hidden.has(index)) return;
        for (let i = 0; i < t.length; i += 1) {
          if (t[i] < from || t[i] > to || Number.isNaN(v[i])) continue;
          if (v[i] < low) low = v[i];
          if (v[i] > high) high = v[i];
        }
      });
      if (low > high) return this.data.axis;
      const margin = (high - low) * .06 || Math.abs(high) * .1 || 1e-6;
      return [low - margin, high + margin];
    }
    grid(pen, colour, { width, bottom, low, high, y, from, to }) {
      const across = step(to - from, (width - LEFT - RIGHT) / 80), up = step(high - low, (bottom - TOP) / (this.flat ? 24 : 34));
      pen.lineWidth = 1;
      pen.strokeStyle = colour("--grid");
      pen.fillStyle = colour("--soft");
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      for (let value = Math.ceil(low / up) * up; value <= high + up * 1e-6; value += up) {
        const at = Math.round(y(value)) + .5;
        pen.beginPath(); pen.moveTo(LEFT, at); pen.lineTo(width - RIGHT, at); pen.stroke();
        if (at < bottom - 2 || !this.flat || value === 0) pen.fillText(value.toFixed(places(up)), LEFT - 6, Math.min(Math.max(at, 8), bottom));
      }
      pen.textAlign = "center";
      pen.textBaseline = "alphabetic";
      for (let time = Math.ceil(from / across) * across; time <= to + across * 1e-6; time += across) {
        const at = Math.round(this.x(time)) + .5;
        pen.beginPath(); pen.moveTo(at, TOP); pen.lineTo(at, bottom); pen.stroke();
        if (this.last && at < width - 14) pen.fillText(time.toFixed(places(across)) + (time === 0 ? " s" : ""), at, bottom + 15);
      }
      pen.strokeStyle = colour("--strong-line");
      pen.beginPath(); pen.moveTo(LEFT, bottom + .5); pen.lineTo(width - RIGHT, bottom + .5); pen.stroke();
    }
    trace(pen, { t, v }, y, colour, { low, high, bottom, edge }) {
      pen.strokeStyle = colour;
      pen.lineWidth = 1.25;
      pen.lineJoin = "round";
      pen.beginPath();
      let down = false;
      const beyond = [];
      for (let i = 0; i < t.length; i += 1) {
        if (Number.isNaN(v[i])) { down = false; continue; }
        const x = this.x(t[i]);
        if (v[i] > high || v[i] < low) beyond.push([x, v[i] > high]);
        if (down) pen.lineTo(x, y(v[i])); else pen.moveTo(x, y(v[i]));
        down = true;
      }
      pen.stroke();
      pen.fillStyle = edge;
      beyond.forEach(([x, up]) => {
        const tip = up ? TOP : bottom, base = up ? TOP + 6 : bottom - 6;
        pen.beginPath(); pen.moveTo(x, tip); pen.lineTo(x - 4, base); pen.lineTo(x + 4, base); pen.fill();
      });
    }
    read(pen, colour, bottom, width) {
      const { cursor } = this.episode;
      this.lines.forEach(({ t, v }, index) => {
        const output = this.outputs[index];
        if (!output) return;
        output.textContent = cursor === null || !t.length ? "" : reading(v[nearest(t, cursor)]) + (this.flat ? " ms" : "");
      });
      if (cursor === null || !this.last) return;
      const x = this.x(cursor), label = `${cursor.toFixed(3)} s`, half = pen.measureText(label).width / 2 + 4;
      if (x < LEFT || x > width - RIGHT) return;
      const middle = Math.min(Math.max(x, half), width - half);
      pen.fillStyle = colour("--ink");
      pen.fillRect(middle - half, bottom + 3, 2 * half, 16);
      pen.fillStyle = colour("--paper");
      pen.textAlign = "center";
      pen.fillText(label, middle, bottom + 15);
    }
  }

  class Episode {
    constructor(node, data) {
      Object.assign(this, { node, duration: data.duration, cursor: null, pick: null });
      this.range = [0, data.duration];
      const canvases = all("canvas", node);
      this.plots = canvases.map((canvas) => {
        const group = all("canvas", canvas.closest(".plots"));
        const last = !canvas.closest(".flat") || canvas === group[group.length - 1];
        return new Plot(canvas, data.plots[Number(canvas.dataset.plot)], this, last);
      });
      this.plots.forEach((plot) => this.listen(plot));
      node.querySelector("[data-reset]").addEventListener("click", () => this.zoom(0, this.duration));
      all("button.fault", node).forEach((button) => button.addEventListener("click", () => {
        const from = Number(button.dataset.from), to = Number(button.dataset.to), margin = Math.max((to - from) * 1.5, .25);
        this.zoom(from - margin, to + margin);
      }));
    }
    listen(plot) {
      const { canvas } = plot;
      const time = (event) => Math.min(Math.max(plot.time(event.offsetX), this.range[0]), this.range[1]);
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        canvas.setPointerCapture(event.pointerId);
        this.pick = [time(event), time(event)];
      });
      canvas.addEventListener("pointermove", (event) => {
        this.cursor = time(event);
        if (this.pick) this.pick[1] = this.cursor;
        this.soon();
      });
      canvas.addEventListener("pointerup", (event) => {
        const pick = this.pick;
        this.pick = null;
        if (pick && Math.abs(plot.x(pick[1]) - plot.x(pick[0])) > 4) this.zoom(Math.min(...pick), Math.max(...pick));
        else this.soon();
      });
      canvas.addEventListener("pointercancel", () => { this.pick = null; this.soon(); });
      canvas.addEventListener("pointerleave", () => { this.cursor = null; this.soon(); });
      canvas.addEventListener("dblclick", () => this.zoom(0, this.duration));
      canvas.addEventListener("keydown", (event) => this.key(event));
    }
    key(event) {
      const [from, to] = this.range, shift = (to - from) * .2;
      const moves = {
        Escape: [0, this.duration], ArrowLeft: [from - shift, to - shift], ArrowRight: [from + shift, to + shift],
        "+": [from + shift, to - shift], "=": [from + shift, to - shift], "-": [from - shift, to + shift],
      };
      if (!moves[event.key]) return;
      event.preventDefault();
      this.zoom(...moves[event.key]);
    }
    zoom(from, to) {
      const width = Math.min(Math.max(to - from, 1e-3), this.duration);
      const start = Math.min(Math.max(from, 0), this.duration - width);
      this.range = [start, start + width];
      this.node.classList.toggle("zoomed", width < this.duration);
      this.soon();
    }
    soon() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }
    draw() { this.plots.forEach((plot) => plot.draw()); }
  }

  const data = JSON.parse(document.getElementById("data").textContent);
  const episodes = all("article.episode").map((node) => new Episode(node, data.episodes[Number(node.dataset.episode)]));
  const redraw = () => episodes.forEach((episode) => episode.draw());
  addEventListener("resize", redraw);
  redraw();
})();
