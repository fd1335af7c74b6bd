  // ---- a plot over time
  const LEFT = 52, RIGHT = 8, TOP = 6, AXIS = 20;
  const reading = (value) => {
    if (Number.isNaN(value)) return "NaN";
    const size = Math.abs(value);
    return size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : size >= 10 ? value.toFixed(2) : value.toFixed(3);
  };
  class Plot {
    constructor(canvas, data, episode, last, arrays) {
      Object.assign(this, { canvas, data, episode, last, hidden: new Set() });
      this.lines = data.lines.map((line) => ({ t: values(arrays, line.t), v: values(arrays, line.v) }));
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
      const { canvas, data, episode } = this, drawing = pencil(canvas);
      if (!drawing) return;
      const { pen, width, height, colour } = drawing;
      const bottom = height - (this.last ? AXIS : 5), [from, to] = episode.range;
      this.x = (time) => LEFT + (time - from) / (to - from) * (width - LEFT - RIGHT);
      this.time = (x) => from + (x - LEFT) / (width - LEFT - RIGHT) * (to - from);
      const [low, high] = this.axis(from, to);
      const y = (value) => bottom - (value - low) / (high - low) * (bottom - TOP);
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
