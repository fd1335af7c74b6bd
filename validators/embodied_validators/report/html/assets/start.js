  // ---- start
  const data = JSON.parse(document.getElementById("data").textContent);
  const episodes = [];
  const redraw = () => episodes.forEach((episode) => episode.draw());
  const start = async () => {
    if (typeof DecompressionStream === "undefined") {
      document.getElementById("old-browser").hidden = false;
      return;
    }
    const arrays = await unpack(data.numbers);
    episodes.push(...all("article.episode").map((node) => new Episode(node, data.episodes[Number(node.dataset.episode)], arrays)));
    addEventListener("resize", redraw);
    redraw();
    document.body.dataset.drawn = "";
  };
  start();
