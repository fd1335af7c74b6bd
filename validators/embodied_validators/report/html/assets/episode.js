  // ---- an episode: its plots and paths share one range of time and one cursor
  class Episode {
    constructor(node, data, arrays) {
      Object.assign(this, { node, duration: data.duration, cursor: null, pick: null });
      this.range = [0, data.duration];
      const canvases = all("canvas[data-plot]", node);
      this.plots = canvases.map((canvas) => {
        const group = all("canvas", canvas.closest(".plots"));
        const last = !canvas.closest(".flat") || canvas === group[group.length - 1];
        return new Plot(canvas, data.plots[Number(canvas.dataset.plot)], this, last, arrays);
      });
      this.paths = all("canvas[data-path]", node).map((canvas) => new Path(canvas, data.paths[Number(canvas.dataset.path)], this, arrays));
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
      canvas.addEventListener("wheel", (event) => {
        if (!wheelWanted(event, canvas)) return;
        event.preventDefault();
        const [from, to] = this.range, at = time(event);
        if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          const shift = (to - from) * (event.deltaX || event.deltaY) / 1000;
          this.zoom(from + shift, to + shift);
          return;
        }
        const factor = Math.exp(Math.min(Math.max(event.deltaY, -300), 300) * .002);
        this.zoom(at - (at - from) * factor, at + (to - at) * factor);
      }, { passive: false });
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
    draw() { [...this.plots, ...this.paths].forEach((drawing) => drawing.draw()); }
  }
