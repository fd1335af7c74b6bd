  // ---- a path in space: z up, no perspective, so that lengths along an axis can be compared
  const HOME = { yaw: -.6, pitch: .5, zoom: 1 };
  class Path {
    constructor(canvas, data, episode, arrays) {
      Object.assign(this, { canvas, data, episode, ...HOME });
      this.t = values(arrays, data.t);
      this.points = data.xyz.map((axis) => values(arrays, axis));
      this.centre = data.low.map((low, axis) => (low + data.high[axis]) / 2);
      this.reach = Math.max(Math.hypot(...data.low.map((low, axis) => data.high[axis] - low)) / 2, 1e-6);
      let last = null;
      canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = [event.clientX, event.clientY]; });
      canvas.addEventListener("pointermove", (event) => {
        if (!last) return;
        this.turn((event.clientX - last[0]) * .01, (event.clientY - last[1]) * .01);
        last = [event.clientX, event.clientY];
      });
      ["pointerup", "pointercancel"].forEach((kind) => canvas.addEventListener(kind, () => { last = null; }));
      canvas.addEventListener("dblclick", () => this.reset());
      canvas.addEventListener("wheel", (event) => {
        if (!wheelWanted(event, canvas)) return;
        event.preventDefault();
        this.closer(Math.exp(-event.deltaY * .002));
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const acts = {
          ArrowLeft: () => this.turn(-.15, 0), ArrowRight: () => this.turn(.15, 0), ArrowUp: () => this.turn(0, -.15), ArrowDown: () => this.turn(0, .15),
          "+": () => this.closer(1.25), "=": () => this.closer(1.25), "-": () => this.closer(.8), Escape: () => this.reset(),
        };
        if (!acts[event.key]) return;
        event.preventDefault();
        acts[event.key]();
      });
    }
    turn(yaw, pitch) {
      this.yaw += yaw;
      this.pitch = Math.min(Math.max(this.pitch + pitch, -Math.PI / 2), Math.PI / 2);
      this.episode.soon();
    }
    closer(factor) { this.zoom = Math.min(Math.max(this.zoom * factor, .3), 20); this.episode.soon(); }
    reset() { Object.assign(this, HOME); this.episode.soon(); }
    place(point) {
      const [dx, dy, dz] = point.map((value, axis) => value - this.centre[axis]);
      const across = Math.cos(this.yaw) * dx - Math.sin(this.yaw) * dy, away = Math.sin(this.yaw) * dx + Math.cos(this.yaw) * dy;
      return [this.middle[0] + across * this.scale, this.middle[1] - (Math.sin(this.pitch) * away + Math.cos(this.pitch) * dz) * this.scale];
    }
    draw() {
      const drawing = pencil(this.canvas);
      if (!drawing) return;
      const { pen, width, height, colour } = drawing, { data, episode } = this;
      this.middle = [width / 2, height / 2];
      this.scale = Math.min(width, height) * .44 / this.reach * this.zoom;
      const grid = step(this.reach * 2, 8);
      this.floor(pen, colour, grid);
      const [from, to] = episode.range, whole = from === 0 && to === episode.duration;
      if (!whole) this.trace(pen, colour("--strong-line"), 1, () => true);
      this.trace(pen, colour("--accent"), 1.6, (time) => time >= from && time <= to);
      this.trace(pen, colour("--fault-edge"), 3, (time) => data.spans.some(([start, end]) => time >= start && time <= end));
      this.ends(pen, colour);
      if (episode.cursor !== null && this.t.length) this.cursor(pen, colour);
      pen.fillStyle = colour("--soft");
      pen.textAlign = "left";
      pen.fillText(`\u25a6 ${grid.toFixed(places(grid))} m`, 8, height - 8);
    }
    floor(pen, colour, grid) {
      const { low, high } = this.data, bottom = low[2];
      const edges = [0, 1].map((axis) => [Math.floor(low[axis] / grid) * grid, Math.ceil(high[axis] / grid) * grid + (high[axis] === low[axis] ? grid : 0)]);
      const line = (one, other) => { pen.beginPath(); pen.moveTo(...this.place(one)); pen.lineTo(...this.place(other)); pen.stroke(); };
      pen.lineWidth = 1;
      pen.strokeStyle = colour("--grid");
      for (let x = edges[0][0]; x <= edges[0][1] + grid * .01; x += grid) line([x, edges[1][0], bottom], [x, edges[1][1], bottom]);
      for (let y = edges[1][0]; y <= edges[1][1] + grid * .01; y += grid) line([edges[0][0], y, bottom], [edges[0][1], y, bottom]);
      const corner = [edges[0][0], edges[1][0], bottom];
      ["--c3", "--c2", "--c0"].forEach((name, axis) => {
        const tip = corner.map((value, index) => value + (index === axis ? grid : 0));
        pen.lineWidth = 2;
        pen.strokeStyle = pen.fillStyle = colour(name);
        line(corner, tip);
        const [x, y] = this.place(tip);
        pen.textAlign = "center";
        pen.fillText("xyz"[axis], x, y - 4);
      });
    }
    point(index) { return this.points.map((axis) => axis[index]); }
    trace(pen, colour, width, wanted) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.lineJoin = pen.lineCap = "round";
      pen.beginPath();
      let down = false;
      for (let i = 0; i < this.t.length; i += 1) {
        const point = this.point(i);
        if (Number.isNaN(point[0]) || !wanted(this.t[i])) { down = false; continue; }
        if (down) pen.lineTo(...this.place(point)); else pen.moveTo(...this.place(point));
        down = true;
      }
      pen.stroke();
    }
    dot(pen, point, fill, edge) {
      const [x, y] = this.place(point);
      pen.beginPath(); pen.arc(x, y, 4.5, 0, 2 * Math.PI);
      pen.fillStyle = fill; pen.fill();
      pen.lineWidth = 1.6; pen.strokeStyle = edge; pen.stroke();
    }
    ends(pen, colour) {
      const known = [...this.t.keys()].filter((index) => !Number.isNaN(this.points[0][index]));
      if (!known.length) return;
      this.dot(pen, this.point(known[0]), colour("--paper"), colour("--accent"));
      this.dot(pen, this.point(known[known.length - 1]), colour("--accent"), colour("--accent"));
    }
    cursor(pen, colour) {
      const point = this.point(nearest(this.t, this.episode.cursor));
      if (Number.isNaN(point[0])) return;
      pen.strokeStyle = colour("--soft");
      pen.lineWidth = 1;
      pen.beginPath(); pen.moveTo(...this.place(point)); pen.lineTo(...this.place([point[0], point[1], this.data.low[2]])); pen.stroke();
      this.dot(pen, point, colour("--warning"), colour("--paper"));
    }
  }
