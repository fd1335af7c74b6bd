  // ---- numbers: one deflated block; each array as differences, byte by byte
  const HOLE = 65535;
  const unpack = async ({ sizes, block }) => {
    const bytes = Uint8Array.from(atob(block), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const flat = new Uint8Array(await new Response(stream).arrayBuffer());
    let at = 0;
    return sizes.map(([n, width]) => {
      const codes = width === 4 ? new Uint32Array(n) : new Uint16Array(n);
      for (let i = 0, code = 0; i < n; i += 1) {
        for (let byte = 0; byte < width; byte += 1) code += flat[at + byte * n + i] * 2 ** (8 * byte);
        codes[i] = code;
        code = codes[i];
      }
      at += n * width;
      return codes;
    });
  };
  const values = (arrays, { at, low, step }) => {
    const codes = arrays[at], holes = codes.BYTES_PER_ELEMENT === 2;
    return Float64Array.from(codes, (code) => (holes && code === HOLE ? NaN : low + code * step));
  };
  const nearest = (times, time) => {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1; else high = middle;
    }
    return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
  };
  const step = (span, room) => {
    const raw = span / Math.max(room, 1), power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw * (1 - 1e-9));
  };
  const places = (size) => Math.max(0, -Math.floor(Math.log10(size) + 1e-9));
  const pencil = (canvas) => {
    const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return null;
    const wide = Math.round(width * scale), high = Math.round(height * scale);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const style = getComputedStyle(root), pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px " + style.getPropertyValue("--sans");
    return { pen, width, height, colour: (name) => style.getPropertyValue(name).trim() };
  };
  const wheelWanted = (event, canvas) => event.ctrlKey || event.metaKey || document.activeElement === canvas;
