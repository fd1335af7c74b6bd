// The console: shows what the recorder sends over one connection, and sends it what keys and buttons ask for.
// Whatever is not known to be current is shown as stale; text from outside only ever becomes text.

const TEXTS = {
  en: {
    console: "Recording", language: "中文", theme: "Light / dark", keys: "Keys", space: "Space",
    state: "State", controls: "Controls", problems: "Problems", streams: "Streams", cameras: "Cameras", takes: "Last takes",
    word_idle: "Not ready", word_armed: "Ready", word_recording: "Recording", word_closing: "Saving",
    word_asking: "How did it go?", word_closed: "Session ended", word_connecting: "Connecting", word_lost: "No connection",
    word_refused: "Key refused", word_hung: "Not responding",
    sub_lost: "What is below is {age} old; reconnecting by itself", sub_hung: "What is below is {age} old",
    sub_refused: "Open the address that the recorder prints now", sub_connecting: "", sub_idle: "What is amiss stands below", sub_armed: "Space starts a take",
    start: "Start", stop: "Stop", discard: "Discard", undo: "Undo", next: "Success + next", mark: "Mark",
    intervene: "Intervention", intervening: "INTERVENTION", messages: "messages",
    describe: "Who operates, and where?", operator: "Operator (only a keyed pseudonym is kept)", skill: "Skill level", scene: "Scene",
    scene_id: "Identifier, e.g. lab_table_1", scene_type: "Type", keep: "Keep", enter: "Enter", as_before: "as before: {who}",
    no_names: "Names cross no network: say yours on the recorder's machine, or there with --operator.",
    no_operator: "operator not said", no_skill: "skill not said", no_scene: "scene not said", of_task: "{scene} (the task's)",
    other_scene: "another …", sub_unsaid: "O: who operates, and where",
    band: "State", stream: "Stream", rate: "Hz / nominal", age: "Age", gap: "Max gap", lost: "Lost",
    dropped: "Queue drops", stale: "Stale / same", bytes: "Bytes", not_observable: "not observable", by_stamps: "{n} by stamps", optional: "optional",
    band_ok: "ok", band_warn: "off", band_bad: "bad", band_silent: "silent", band_absent: "absent",
    disk: "Disk {free} free", disk_left: "{left} left", disk_floor: "stops at {floor}", clock_ok: "Clock ±{error}", clock_free: "Clock not synchronised",
    clock_unknown: "Clock state unknown", link_open: "Live", link_other: "Not live",
    more_problems: "{n} more", no_problem: "Nothing stands in the way.", no_takes: "No take yet.", no_picture: "cannot be shown", waiting: "no picture yet", waiting_key: "no key frame yet",
    old_picture: "picture is {age} old", verdict_awaited: "verdict awaited ({s} s)", deeper_awaited: "deeper one awaited ({s} s)", judging_off: "verdicts are off", judging_ended: "judge has ended",
    judging_on: "no verdict", no_level: "no level",
    step_post_roll: "records on for {left}", step_writing: "writes to the disk, {size} to go", step_finishing: "finishes the file",
    step_placing: "puts the take among the episodes", step_refused: "the disk refuses; asked again each second", step_moving: "moves the take",
    since: "for {age}",
    failed: "{n} failed", undetermined: "{n} undecided", warned: "{n} warnings",
    no_failed: "no rule failed", saved: "saved", discarded: "discarded", take_failed: "lost", recovered: "recovered",
    cause_title: "What went wrong?", cause_none: "Not said", reason_title: "Why is it discarded?",
    reason_own: "Another reason: ", cancel: "Cancel", close: "Close", bring_back: "Bring back",
    reasons: ["wrong start position", "wrong object or scene", "operator error", "sensor fault", "interrupted", "a trial only"],
    not_now: "not now: {verb}", no_reason: "discarded by the operator", unanswered: "The connection broke before an answer: look whether it was carried out.", transport: "Transport:",
  },
  zh: {
    console: "采集", language: "English", theme: "浅色 / 深色", keys: "快捷键", space: "空格",
    state: "状态", controls: "操作", problems: "问题", streams: "数据流", cameras: "相机", takes: "最近的采集",
    word_idle: "未就绪", word_armed: "就绪", word_recording: "采集中", word_closing: "保存中",
    word_asking: "结果如何？", word_closed: "会话已结束", word_connecting: "连接中", word_lost: "连接中断",
    word_refused: "密钥无效", word_hung: "采集器无响应",
    sub_lost: "以下内容是 {age} 前的；正在自动重连", sub_hung: "以下内容是 {age} 前的",
    sub_refused: "请打开采集器现在打印的地址", sub_connecting: "", sub_idle: "原因见下方", sub_armed: "按空格开始采集",
    start: "开始", stop: "停止", discard: "隔离", undo: "撤销", next: "成功并继续", mark: "标记",
    intervene: "人工干预", intervening: "人工干预中", messages: "条消息",
    describe: "谁在操作，在哪里？", operator: "操作员（只保存化名）", skill: "熟练度", scene: "场景",
    scene_id: "标识，如 lab_table_1", scene_type: "类型", keep: "保存", enter: "回车", as_before: "同前：{who}",
    no_names: "姓名不经网络传输：请在采集器本机填写，或在本机用 --operator 给出。",
    no_operator: "操作员未填", no_skill: "熟练度未填", no_scene: "场景未填", of_task: "{scene}（同任务）",
    other_scene: "其他…", sub_unsaid: "按 O：谁在操作，在哪里",
    band: "状态", stream: "数据流", rate: "频率/标称 Hz", age: "距今", gap: "最长间隔", lost: "丢失",
    dropped: "队列丢弃", stale: "陈旧/重复", bytes: "字节", not_observable: "不可观测", by_stamps: "按时间戳 {n}", optional: "可选",
    band_ok: "正常", band_warn: "偏离", band_bad: "错误", band_silent: "无消息", band_absent: "缺失",
    disk: "磁盘剩余 {free}", disk_left: "可用 {left}", disk_floor: "至 {floor} 即停", clock_ok: "时钟 ±{error}", clock_free: "时钟未同步",
    clock_unknown: "时钟状态未知", link_open: "实时", link_other: "非实时",
    more_problems: "另有 {n} 项", no_problem: "没有阻碍。", no_takes: "还没有采集。", no_picture: "无法显示", waiting: "还没有图像", waiting_key: "还没有关键帧",
    old_picture: "图像是 {age} 前的", verdict_awaited: "等待判定（{s} 秒）", deeper_awaited: "等待更深入的判定（{s} 秒）", judging_off: "未启用判定", judging_ended: "判定进程已退出",
    judging_on: "无判定", no_level: "未达级别",
    step_post_roll: "续录，剩余 {left}", step_writing: "写入磁盘，剩余 {size}", step_finishing: "正在关闭文件",
    step_placing: "正在归入片段", step_refused: "磁盘拒绝写入；每秒重试", step_moving: "正在移动该次采集",
    since: "已 {age}",
    failed: "{n} 项未通过", undetermined: "{n} 项无法判定", warned: "{n} 项警告",
    no_failed: "没有未通过的规则", saved: "已保存", discarded: "已隔离", take_failed: "失败", recovered: "已恢复",
    cause_title: "原因是什么？", cause_none: "不说明", reason_title: "为什么隔离？",
    reason_own: "其他原因：", cancel: "取消", close: "关闭", bring_back: "恢复",
    reasons: ["起始位置不对", "物体或场景不对", "操作失误", "传感器故障", "被打断", "只是试采"],
    not_now: "现在不行：{verb}", no_reason: "操作员未说明原因", unanswered: "连接在应答前中断：请确认操作是否已执行。", transport: "传输：",
  },
};
const SHAPES = {
  idle: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 3a6 6 0 1 1 0 12 6 6 0 0 1 0-12z",
  armed: "M6 3l15 9-15 9z",
  recording: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  closing: "M4 4h16v16H4z",
  asking: "M7 8a5 5 0 1 1 7 4.6c-.8.4-.8.9-.8 2.4h-2.4c0-2.4.4-3.6 2-4.4A2.6 2.6 0 1 0 9.4 8zM10.8 17h2.4v3h-2.4z",
  closed: "M6 3l6 6 6-6 3 3-6 6 6 6-3 3-6-6-6 6-3-3 6-6-6-6z",
  lost: "M12 2L23 21H1zM10.7 9v6h2.6V9zm0 7.5V19h2.6v-2.5z",
};
const SIGNS = { ok: "✓", warn: "!", bad: "✕", silent: "◌", absent: "–" };
const OUTCOME_SIGNS = { success: "✓", failure: "✕", partial: "◐", aborted: "■", unknown: "?" };
const RULE_SIGNS = { failed: "✕", warned: "!", undetermined: "?" };
const STALE_MS = 1500, GIVE_UP_MS = 4000, HUNG_S = 2, LONGEST_PAUSE_MS = 2000, SAID_MS = 10000, PLACES = 4;
const VIDEO_TYPE = /\/(CompressedVideo|FFMPEGPacket)$/;
const PICTURE_TYPE = /\/(Image|CompressedImage|CompressedVideo|FFMPEGPacket)$/;
const KINDS = { hello: 72, snapshot: 83, reply: 82, picture: 80 };

const $ = (selector) => document.querySelector(selector);
const page = document.documentElement;
const known = { link: "connecting", snapshot: null, age: 0, at: -Infinity, words: {}, undone: [], failureCause: "", names: false, build: null, said: null, saidAt: -Infinity, reached: "" };
const pending = new Map(); // number of a request -> what is to be done with its answer
const names = new Map(); // pseudonym -> name, as they were typed here; nowhere else
const rows = new Map(), tiles = new Map(), takes = new Map();
let language = localStorage.getItem("console-language") ?? (/^zh\b/i.test(navigator.language) ? "zh" : "en");
let socket, number = 0, pause = 250;

// Words and numbers.

const t = (key, values = {}) => TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const pick = (texts) => (texts ? texts[language] ?? texts.en ?? "" : "");
const word = (vocabulary, code) => pick(known.words[vocabulary]?.find((term) => term.code === code)?.label) || code;
const seconds = (s) =>
  s < 1 ? `${Math.round(s * 1000)} ms` : s < 100 ? `${s.toFixed(1)} s` : s < 6000 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
const bytes = (n) => {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(n, 1)) / 3)));
  return `${(n / 1000 ** power).toFixed(power ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
};
const rate = (hz) => (hz == null ? "–" : hz < 100 ? hz.toFixed(1) : hz.toFixed(0));
const stopwatch = (s) => `${String(Math.floor(s / 60)).padStart(2, "0")}:${(s % 60).toFixed(1).padStart(4, "0")}`;
const begun = (id) => {
  const ms = parseInt(id.replaceAll("-", "").slice(0, 12), 16);
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id) ? new Date(ms).toLocaleTimeString("en-GB") : "";
};

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// What holds now.

const staleMs = () => performance.now() - known.at;
const ageS = () => known.age + staleMs() / 1000;

function condition() {
  if (known.link !== "open") return known.link;
  if (staleMs() > STALE_MS) return "lost";
  const { state, asks_label } = known.snapshot;
  if (state !== "closed" && known.age > HUNG_S) return "hung";
  return asks_label ? "asking" : state;
}

const lastSaved = () => known.snapshot?.takes.findLast((take) => take.state === "saved");

function allowed(verb, now) {
  const busy = ["recording", "asking", "closing"].includes(now), between = ["armed", "idle"].includes(now);
  if (verb === "start") return now === "armed";
  if (["stop", "next", "mark", "intervene"].includes(verb)) return now === "recording";
  if (verb === "discard") return busy || (between && Boolean(lastSaved()));
  if (verb === "undo") return busy || between;
  if (verb === "describe") return busy || between;
  return now === "recording" || now === "asking";
}

// The connection.

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => receive(new Uint8Array(event.data));
  socket.onclose = () => {
    if (pending.size) tell({ done: false, text: { en: TEXTS.en.unanswered, zh: TEXTS.zh.unanswered } });
    pending.clear();
    if (known.link !== "refused") known.link = known.snapshot ? "lost" : "connecting";
    show();
    setTimeout(reconnect, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  };
}

async function reconnect() {
  try {
    const answer = await fetch("icon.svg", { cache: "no-store" });
    known.link = answer.status === 403 ? "refused" : known.link;
  } catch {
    if (known.link === "refused") known.link = "lost";
  }
  show();
  connect();
}

function receive(frame) {
  const body = frame.subarray(1);
  if (frame[0] === KINDS.picture) return void picture(body);
  const document = JSON.parse(new TextDecoder().decode(body));
  if (frame[0] === KINDS.hello) return greet(document);
  if (frame[0] === KINDS.reply) {
    const heard = pending.get(document.id);
    pending.delete(document.id);
    heard?.(document);
    return tell(document.reply);
  }
  Object.assign(known, { link: "open", snapshot: document.snapshot, age: document.age_s, at: performance.now() });
  pause = 250;
  show();
  socket.send(JSON.stringify({ ack: "" }));
}

function greet({ build, words, names: mayName, undone, failure_cause: failureCause }) {
  if (known.build && known.build !== build) location.reload();
  Object.assign(known, { build, words, names: mayName, undone, failureCause });
  caption();
}

async function picture(body) {
  const read = (from, to) => new TextDecoder().decode(body.subarray(from, to));
  const place = 1 + body[0], begin = place + 2 + 256 * body[place] + body[place + 1], data = body.slice(begin);
  const id = read(1, place), tile = tiles.get(id) ?? addTile(id), from = socket;
  tile.about = JSON.parse(read(place + 2, begin));
  try {
    const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" }));
    Object.assign(tile.canvas, { width: bitmap.width, height: bitmap.height });
    tile.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    tile.seen = "shown";
  } catch {
    tile.seen = "no_picture";
  }
  tile.at = performance.now();
  if (from.readyState === WebSocket.OPEN) from.send(JSON.stringify({ ack: id }));
}

function ask(verb, more = {}, heard = null) {
  if (socket.readyState !== WebSocket.OPEN) return;
  pending.set(++number, heard);
  socket.send(JSON.stringify({ id: number, do: verb, ...more }));
}

function tell(reply) {
  Object.assign(known, { said: reply, saidAt: performance.now() });
  show();
}

// What is shown.

function show() {
  const now = condition(), shot = known.snapshot;
  page.dataset.link = now === "lost" || now === "hung" ? now : known.link;
  page.dataset.state = now;
  if (now !== known.reached) {
    known.reached = now;
    write($("#announce"), t(`word_${now}`));
    $("#shape").setAttribute("d", SHAPES[now] ?? SHAPES.lost);
  }
  const take = shot?.take, live = known.link === "open" && !["lost", "hung", "closed"].includes(now);
  write($("#word"), t(`word_${now}`));
  write($("#elapsed"), take ? stopwatch(take.elapsed_s) : "");
  write($("#sub"), sub(now, take, shot));
  const said = lastAnswer(shot);
  write($("#said"), pick(said?.text));
  $("#said").dataset.done = said?.done ?? "";
  write($("#link"), t(live ? "link_open" : "link_other"));
  document.title = `${now === "recording" ? "● " : ""}${t(`word_${now}`)}${take ? ` ${stopwatch(take.elapsed_s)}` : ""}`;
  for (const button of document.querySelectorAll("[data-do], [data-of-take]")) {
    button.disabled = !allowed(button.dataset.do ?? button.dataset.ofTake, now);
  }
  $("[data-do=intervene]").setAttribute("aria-pressed", String(Boolean(shot?.intervening)));
  page.toggleAttribute("data-intervening", Boolean(shot?.intervening));
  if (shot) showSnapshot(shot);
  for (const tile of tiles.values()) showTile(tile);
}

/** The newest answer: to this page, or a refusal of what a pedal, a service or another page asked for. */
function lastAnswer(shot) {
  const ours = performance.now() - known.saidAt, theirs = shot?.refused ? 1000 * shot.refused_s + staleMs() : Infinity;
  if (Math.min(ours, theirs) > SAID_MS) return null;
  return theirs < ours ? shot.refused : known.said;
}

function sub(now, take, shot) {
  if (["lost", "hung", "refused", "connecting"].includes(now)) {
    return now === "lost" && !shot ? "" : t(`sub_${now}`, { age: seconds(ageS()) });
  }
  if (!take) return ["armed", "idle"].includes(now) ? t(`sub_${now}`) : "";
  if (now === "closing" && shot.closing) return closingText(shot.closing);
  if (now === "asking" && isUnsaid(shot.described)) return t("sub_unsaid");
  const said = shot.intervening ? `${t("intervening")} · ` : "";
  return `${said}${take.messages_n.toLocaleString("en")} ${t("messages")} · ${bytes(take.bytes_n)}`;
}

function closingText({ step, seconds: since, left_s: left, waiting_bytes: waiting }) {
  const key = step === "writing" && !waiting ? "finishing" : step;
  const text = t(`step_${key}`, { left: seconds(left ?? 0), size: bytes(waiting) });
  return since < 1 || step === "post_roll" ? text : `${text} · ${t("since", { age: seconds(since) })}`;
}

function showSnapshot(shot) {
  write($("#task"), shot.task_id);
  showWho(shot.described);
  showMachine(shot.machine);
  showProblems(shot.problems.map(pick), shot.streams.filter(isAmiss).map((stream) => `${stream.topic}: ${pick(stream.problem)}`));
  for (const stream of shot.streams) showStream(stream);
  showTakes(shot.takes, shot.judging);
  const counters = Object.entries(shot.transport_counters).filter(([, n]) => n);
  write($("#transport"), counters.length ? `${t("transport")} ${counters.map(([name, n]) => `${name} +${n}`).join(", ")}` : "");
  closeWhatIsOver(shot);
}

// Who operates, and where.

const sceneOf = (described) => (described.scene.scene_id ? described.scene : described.task_scene);
const isUnsaid = (described) => !described.operator_pseudonym || !described.operator_skill_level || !sceneOf(described).scene_id;
const nameOf = (pseudonym) => names.get(pseudonym) ?? `${pseudonym.slice(0, 11)}…`;
const sceneText = (scene) => [scene.scene_id, word("scene_type", scene.scene_type)].filter(Boolean).join(" · ");

function showWho(described) {
  const { operator_pseudonym: operator, operator_skill_level: skill } = described, scene = sceneOf(described);
  const who = [operator ? nameOf(operator) : t("no_operator"), skill ? word("operator_skill_level", skill) : t("no_skill")].join(" · ");
  const where = scene.scene_id ? sceneText(scene) : t("no_scene");
  write($("#who b"), who);
  write($("#who small"), where);
  $("#who").title = `${who}\n${where}`;
  $("#who").toggleAttribute("data-unsaid", isUnsaid(described));
}

function askWho() {
  const { described } = known.snapshot, now = described.operator_pseudonym, operator = $("#about-operator");
  operator.disabled = !known.names;
  operator.value = names.get(now) ?? "";
  operator.placeholder = now ? t("as_before", { who: nameOf(now) }) : "";
  $("#about-names").replaceChildren(...[...new Set(names.values())].map((name) => make("option", { value: name })));
  write($("#about-note"), known.names ? "" : t("no_names"));
  write($("#about-problem"), "");
  $("#about-skill").replaceChildren(...(known.words.operator_skill_level ?? []).map(({ code, label }) => skillChoice(code, pick(label), described)));
  offerScenes(described);
  $("#about").showModal();
  (known.names ? operator : $("#about-scene")).focus();
}

const isSame = (one, other) => one.scene_id === other.scene_id && one.scene_type === other.scene_type;

function offerScenes(described) {
  const here = sceneOf(described), { scenes } = described;
  const text = (scene) => (isSame(scene, described.task_scene) ? t("of_task", { scene: sceneText(scene) }) : sceneText(scene));
  const options = scenes.map((scene, at) => make("option", { value: at }, text(scene)));
  const unsaid = here.scene_id ? [] : [make("option", { value: "" }, t("no_scene"))];
  $("#about-scene").replaceChildren(...unsaid, ...options, make("option", { value: "other" }, t("other_scene")));
  $("#about-scene").value = here.scene_id ? scenes.findIndex((scene) => isSame(scene, here)) : "";
  $("#about-scene-type").replaceChildren(...(known.words.scene_type ?? []).map(({ code, label }) => make("option", { value: code }, pick(label))));
  $("#about-scene-id").value = "";
  $("#about-scene").onchange();
}

function skillChoice(code, label, described) {
  const input = make("input", { type: "radio", name: "skill", value: code });
  input.checked = described.operator_skill_level === code;
  return make("label", {}, input, make("span", {}, label));
}

/** What is as it was is not said again. */
function keepWho(event) {
  event.preventDefault();
  const { described } = known.snapshot, name = $("#about-operator").value.trim();
  const place = $("#about-scene").value, own = { scene_id: $("#about-scene-id").value.trim(), scene_type: $("#about-scene-type").value };
  const scene = place === "other" ? own : place === "" ? {} : described.scenes[place];
  const said = {
    operator: name === names.get(described.operator_pseudonym) ? "" : name,
    operator_skill_level: $("#about-skill :checked")?.value ?? "",
    scene: isSame(scene, sceneOf(described)) ? {} : scene,
  };
  ask("describe", said, ({ reply, operator }) => {
    if (operator && reply.done) names.set(operator, name);
    if (reply.done) $("#about").close();
    else write($("#about-problem"), pick(reply.text));
  });
}

// The machine, the streams and the takes.

function showMachine(machine) {
  const left = machine.seconds_left, low = machine.free_bytes < 2 * machine.floor_bytes || (left != null && left < 600);
  const near = machine.free_bytes < 2 * machine.floor_bytes ? [t("disk_floor", { floor: bytes(machine.floor_bytes) })] : [];
  const parts = [t("disk", { free: bytes(machine.free_bytes) }), ...near, ...(left == null ? [] : [t("disk_left", { left: seconds(left) })])];
  write($("#disk"), `${low ? "! " : ""}${parts.join(" · ")}`);
  $("#disk").title = parts.join(" · ");
  $("#disk").dataset.band = low ? "bad" : "ok";
  const synchronised = machine.clock_synchronised, error = machine.clock_max_error_ns;
  const text = synchronised == null ? t("clock_unknown") : synchronised ? t("clock_ok", { error: seconds((error ?? 0) / 1e9) }) : `! ${t("clock_free")}`;
  write($("#clock"), text);
  $("#clock").dataset.band = synchronised ? "ok" : synchronised == null ? "none" : "warn";
}

/** Whether a stream has a problem that does not keep a take from beginning; the others are told by the recorder. */
const isAmiss = ({ band, required }) => ["warn", "bad"].includes(band) || (!required && ["silent", "absent"].includes(band));

function showProblems(blocking, amiss) {
  const list = $("#problems ul"), found = [...blocking, ...amiss], all = found.length ? found : [t("no_problem")];
  const lines = all.length > PLACES ? [...all.slice(0, PLACES - 1), t("more_problems", { n: all.length - PLACES + 1 })] : all;
  $("#problems").dataset.band = blocking.length ? "bad" : amiss.length ? "warn" : "ok";
  if (list.dataset.lines === lines.join("\n")) return;
  list.dataset.lines = lines.join("\n");
  list.title = all.join("\n");
  list.replaceChildren(...lines.map((line) => make("li", {}, line)));
}

function showStream(stream) {
  const row = rows.get(stream.stream_id) ?? addRow(stream);
  const [band, name, frequency, age, gap, lost, dropped, stale, size] = row.cells;
  row.dataset.band = stream.band;
  write(band, `${SIGNS[stream.band]} ${t(`band_${stream.band}`)}`);
  write(name.firstChild, stream.stream_id);
  write(name.lastChild, pick(stream.problem) || `${stream.topic}${stream.required ? "" : ` (${t("optional")})`}`);
  name.title = `${stream.stream_id} ${stream.topic} ${pick(stream.problem)}`;
  const nominal = stream.nominal_rate_hz;
  write(frequency, nominal == null ? rate(stream.rate_hz) : `${rate(stream.rate_hz)} / ${rate(nominal)}`);
  write(age, stream.age_s == null ? "–" : seconds(stream.age_s));
  write(gap, stream.max_gap_s == null ? "–" : seconds(stream.max_gap_s));
  write(lost, lossText(stream));
  lost.dataset.kind = stream.lost_n || stream.missing_n ? "bad" : stream.lost_n == null ? "none" : "";
  write(dropped, String(stream.queue_dropped_n));
  dropped.dataset.kind = stream.queue_dropped_n ? "bad" : "";
  write(stale, `${stream.stale_n} / ${stream.duplicate_n}`);
  stale.dataset.kind = stream.stale_n || stream.duplicate_n ? "bad" : "";
  write(size, bytes(stream.bytes_n));
  if (PICTURE_TYPE.test(stream.ros_type) && !tiles.has(stream.stream_id)) addTile(stream.stream_id);
  if (tiles.has(stream.stream_id)) tiles.get(stream.stream_id).stream = stream;
}

/** Loss by the publisher's numbers; by the periods that header stamps leave out; neither may be known. */
function lossText({ lost_n: lost, missing_n: missing }) {
  if (lost == null && missing == null) return t("not_observable");
  if (lost == null) return t("by_stamps", { n: missing });
  return missing ? `${lost} (${t("by_stamps", { n: missing })})` : String(lost);
}

function addRow(stream) {
  const row = $("#streams tbody").insertRow();
  for (let i = 0; i < 9; i++) row.insertCell();
  row.cells[1].append(make("b"), make("small"));
  rows.set(stream.stream_id, row);
  return row;
}

function addTile(id) {
  const canvas = make("canvas", { width: 4, height: 3, role: "img", "aria-label": id });
  const note = make("p"), scale = make("small"), name = make("b", {}, id), value = make("span");
  const figure = make("figure", { "data-stream": id }, canvas, scale, note, make("figcaption", {}, name, value));
  const tile = { canvas, note, scale, value, figure, seen: "waiting", about: {}, at: performance.now(), stream: null };
  tiles.set(id, tile);
  $("#cameras").append(figure);
  $("#cameras").dataset.many = tiles.size > 6;
  return tile;
}

function showTile(tile) {
  const { stream } = tile, age = (performance.now() - tile.at) / 1000;
  const shown = tile.seen === "shown", about = pick(tile.about);
  write(tile.value, stream ? `${rate(stream.rate_hz)} Hz` : "");
  write(tile.scale, shown ? about : "");
  const longest = Math.max(2, 3 / (stream?.nominal_rate_hz || 1));
  const problem = stream && pick(stream.problem) && ["silent", "absent"].includes(stream.band) ? pick(stream.problem) : "";
  const missing = tile.seen === "waiting" && VIDEO_TYPE.test(stream?.ros_type) ? "waiting_key" : tile.seen;
  const old = shown && age > longest ? t("old_picture", { age: seconds(age) }) : "";
  const text = problem || (shown ? old : (tile.seen === "no_picture" && about) || t(missing));
  write(tile.note, text);
  tile.figure.classList.toggle("old", Boolean(text));
  tile.figure.classList.toggle("explained", tile.seen === "no_picture" && Boolean(about));
}

function showTakes(list, judging) {
  write($("#judging"), judging === "on" ? "" : t(`judging_${judging}`));
  $("#judging").dataset.judging = judging;
  const place = $("#takes ol");
  for (const take of list) {
    const entry = takes.get(take.episode_id) ?? { item: make("li"), text: "" };
    if (!takes.has(take.episode_id)) {
      place.querySelector("details[open]")?.removeAttribute("open"); // the newest is the one that is read
      place.prepend(entry.item);
    }
    takes.set(take.episode_id, entry);
    const text = JSON.stringify([{ ...take, awaited_s: take.awaited_s != null }, judging, language]);
    if (text !== entry.text) keepingFocus(entry.item, () => fillTake(entry.item, take, judging));
    entry.text = text;
    const awaited = entry.item.querySelector(".awaited");
    if (awaited) write(awaited, awaitedText(take));
  }
  const gone = new Set(list.map((take) => take.episode_id));
  for (const [id, { item }] of takes) if (!gone.has(id)) item.remove(), takes.delete(id);
  place.dataset.empty = list.length ? "" : t("no_takes");
}

/** What is filled anew keeps the focus: a verdict that comes must not take it from whoever reads. */
function keepingFocus(item, fill) {
  const focused = ["summary", "button"].find((name) => item.querySelector(name) === document.activeElement);
  fill();
  if (focused) item.querySelector(focused)?.focus();
}

function fillTake(item, take, judging) {
  const open = item.querySelector("details")?.open ?? item === item.parentNode.firstChild, { verdict } = take;
  item.dataset.state = take.state;
  const sign = take.state === "saved" ? OUTCOME_SIGNS[take.outcome] ?? "?" : "⊘";
  const ended = take.state === "saved" ? word("outcome", take.outcome || "unknown") : t(take.state === "failed" ? "take_failed" : take.state);
  const summary = make(
    "summary", {},
    make("time", {}, begun(take.episode_id)), make("span", { class: "long" }, stopwatch(take.elapsed_s)),
    make("b", { class: `outcome ${take.state === "saved" ? take.outcome : ""}` }, `${sign} ${ended}`), verdictChip(take, judging),
  );
  const body = make("div", {}, make("code", {}, take.episode_id), ...explained(take), ...(verdict ? ruleLines(verdict) : []));
  item.replaceChildren(make("details", open ? { open: "" } : {}, summary, body), takeButton(take));
}

function explained(take) {
  if (take.state === "saved") return take.reason ? [make("p", {}, word("stop_reason", take.reason))] : [];
  return [make("p", {}, pick(take.problem) || take.reason)];
}

function verdictChip(take, judging) {
  const { verdict } = take;
  const awaited = take.awaited_s == null || take.state !== "saved" || judging !== "on" ? [] : [make("span", { class: "awaited" })];
  if (take.state !== "saved" && !verdict) return make("span", { class: "verdict" });
  if (!verdict) return make("span", { class: "verdict wait" }, ...(awaited.length ? awaited : [t(`judging_${judging}`)]));
  const problem = pick(verdict.problem);
  if (problem && !kindsOf(verdict).length) return make("span", { class: "verdict wait", title: problem }, problem);
  const counts = kindsOf(verdict);
  const said = counts.map((kind) => t(kind, { n: verdict[kind].length }));
  const text = counts.map((kind, at) => (kind === "failed" ? said[at] : `${RULE_SIGNS[kind]} ${verdict[kind].length}`));
  const rest = awaited.length || verdict.whole ? awaited : [t("judging_ended")];
  const stage = make("small", {}, ` ${stageOf(verdict.depth)}`, ...(rest.length ? [" · ", ...rest] : []));
  const none = verdict.whole ? ["level none", t("no_level")] : ["level open", "…"];
  const level = make("b", { class: verdict.level ? "level" : none[0] }, verdict.level || none[1]);
  return make("span", { class: "verdict", title: said.join(", ") }, level, ` ${text.join(" · ") || t("no_failed")}`, stage);
}

// Each take is judged several times, ever deeper.

const depthsOf = () => (known.words.depth ?? []).map(({ code }) => code);
const stageOf = (depth) => `${depthsOf().indexOf(depth) + 1}/${depthsOf().length} ${word("depth", depth)}`;

const awaitedText = ({ verdict, awaited_s: s }) => t(verdict ? "deeper_awaited" : "verdict_awaited", { s: Math.floor(s) });

/** Before the images have been looked at, it is no news that rules on them are undecided. */
const kindsOf = (verdict) =>
  ["failed", "warned", ...(verdict.whole ? ["undetermined"] : [])].filter((kind) => verdict[kind].length);

function ruleLines(verdict) {
  const lines = kindsOf(verdict).flatMap((kind) => verdict[kind].map((line) => ruleLine(kind, line)));
  return lines.length ? [make("ul", { class: "rules" }, ...lines)] : [];
}

function ruleLine(kind, line) {
  const head = make("span", {}, make("b", {}, `${RULE_SIGNS[kind]} ${line.rule}${line.level ? ` ${line.level}` : ""}`), ` ${pick(line.title)}${line.place ? ` (${line.place})` : ""}`);
  return make("li", { class: kind }, head, ...(pick(line.fix) ? [make("span", { class: "fix" }, `→ ${pick(line.fix)}`)] : []));
}

function takeButton(take) {
  const verb = { saved: "discard", recovered: "discard", discarded: "bring_back" }[take.state];
  if (!verb) return "";
  const ofTake = verb === "discard" ? "discard" : "undo";
  const button = make("button", { type: "button", "data-of-take": ofTake, "aria-label": `${t(verb)} ${begun(take.episode_id)}` }, t(verb));
  button.onclick = () => (verb === "discard" ? askReason(take.episode_id) : ask("undo", { episode_id: take.episode_id }));
  return button;
}

// What the operator does.

/** What a verb is called: an outcome as in the standard. */
const called = (verb, chosen = language) => TEXTS[chosen][verb] ?? known.words.outcome?.find((term) => term.code === verb)?.label[chosen] ?? verb;

/** A key that can do nothing now says so: nobody should believe to have started a take. */
const notNow = (chosen, verb) => TEXTS[chosen].not_now.replace("{verb}", called(verb, chosen));

function act(verb) {
  const now = condition();
  if (!allowed(verb, now)) return tell({ done: false, text: { en: notNow("en", verb), zh: notNow("zh", verb) } });
  if (verb === "describe") return askWho();
  if (known.undone.includes(verb) && !known.failureCause) return askCause(verb, now);
  if (verb === "discard") return askReason(known.snapshot.take?.episode_id ?? lastSaved().episode_id);
  if (verb === "intervene") return ask("intervene", { on: !known.snapshot.intervening });
  if (verb === "mark") return ask("mark", { name: "mark" });
  if (verb === "next") return ask("next", { outcome: "success" });
  if (verb in OUTCOME_SIGNS) return ask(now === "asking" ? "label" : "stop", { outcome: verb, failure_cause: causeOf(verb) });
  return ask(verb);
}

/** What was said beforehand, on the command line. */
const causeOf = (outcome) => (known.undone.includes(outcome) ? known.failureCause : "");

/** The take ends at once, and is saved when its cause is said; the same key again says none. */
function askCause(outcome, now) {
  if (now === "recording") ask("stop");
  const dialog = $("#cause"), choose = (code) => () => ask("label", { outcome, failure_cause: code });
  dialog.dataset.again = outcome;
  dialog.dataset.take = known.snapshot.take?.episode_id ?? "";
  const causes = (known.words.failure_cause ?? []).map(({ code, label }, at) => [at + 1, pick(label), choose(code)]);
  offer(dialog, [...causes, [0, t("cause_none"), choose("")]]);
}

function askReason(id) {
  const dialog = $("#reason");
  dialog.dataset.take = id;
  write($("#reason-take"), `${begun(id)} ${id}`);
  $("#reason-text").value = "";
  dialog.dataset.again = "discard";
  const discard = (reason) => ask("discard", { reason, episode_id: id });
  const reasons = TEXTS[language].reasons.map((reason, at) => [at + 1, reason, () => discard(reason)]);
  offer(dialog, [...reasons, [0, t("cause_none"), () => discard(t("no_reason"))]]);
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    const own = $("#reason-text").value.trim();
    if (own) dialog.close(), discard(own);
  };
}

/** Shows choices with a digit each. None has the focus: a space pressed out of habit chooses nothing. */
function offer(dialog, choices) {
  const buttons = choices.map(([digit, label, chosen]) => {
    const button = make("button", { type: "button", "data-digit": digit }, make("span", {}, label), make("kbd", {}, String(digit)));
    button.onclick = () => (dialog.close(), chosen());
    return button;
  });
  dialog.querySelector(".choices").replaceChildren(...buttons);
  dialog.showModal();
  dialog.focus();
}

function closeWhatIsOver(shot) {
  const over = $("#cause").open && shot.take?.episode_id !== $("#cause").dataset.take;
  if (over) $("#cause").close();
}

function showKeys() {
  const lines = [...document.querySelectorAll("[data-do]")].flatMap((button) => [
    make("dt", {}, make("kbd", {}, button.querySelector("kbd").textContent)),
    make("dd", {}, called(button.dataset.do)),
  ]);
  $("#keys dl").replaceChildren(...lines, make("dt", {}, make("kbd", {}, "L")), make("dd", {}, "中文 / English"));
  $("#keys").showModal();
}

function speak(chosen) {
  language = chosen;
  localStorage.setItem("console-language", chosen);
  page.lang = chosen === "zh" ? "zh-CN" : "en";
  caption();
}

function caption() {
  for (const element of document.querySelectorAll("[data-text]")) write(element, t(element.dataset.text));
  for (const element of document.querySelectorAll("[data-word]")) write(element, word(...element.dataset.word.split("/")));
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  write($("#language"), t("language"));
  $("#language").lang = language === "zh" ? "en" : "zh-CN";
  known.reached = "";
  show();
}

function shade() {
  const dark = page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  page.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("console-theme", page.dataset.theme);
}

/** The letter of a key; of its place where an input method for Chinese is on. */
const letter = (event) => (/^[a-z?]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace(/^Key/, "").toLowerCase());

const VERBS = {
  s: "success", f: "failure", d: "discard", u: "undo", p: "partial", a: "aborted", k: "unknown", n: "next", m: "mark", i: "intervene",
  o: "describe",
};

function pressed(event) {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("dialog[open] :is(input, select)")) return;
  const dialog = $("dialog[open]");
  if (dialog) {
    const again = VERBS[letter(event)] === dialog.dataset.again && dialog.dataset.again;
    const none = again || (event.key === "Enter" && event.target === $("#cause"));
    return void dialog.querySelector(`[data-digit="${none ? 0 : event.key}"]`)?.click();
  }
  if (event.code === "Space" || event.code === "Enter") {
    if (event.target.matches(":is(button, summary):focus-visible")) return;
    if (event.code === "Space") event.preventDefault(), act(condition() === "recording" ? "stop" : "start");
    return;
  }
  const key = letter(event);
  if (key === "l") return speak(language === "zh" ? "en" : "zh");
  if (key === "?") return showKeys();
  if (VERBS[key]) event.preventDefault(), act(VERBS[key]);
}

addEventListener("keydown", pressed);
addEventListener("pointerup", () => setTimeout(() => document.activeElement?.matches("button") && document.activeElement.blur()));
for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => act(button.dataset.do);
for (const button of document.querySelectorAll("[data-close]")) button.onclick = () => button.closest("dialog").close();
$("#about form").onsubmit = keepWho;
$("#about-scene").onchange = () => ($("#about-other").hidden = $("#about-scene").value !== "other");
$("#language").onclick = () => speak(language === "zh" ? "en" : "zh");
$("#theme").onclick = shade;
$("#help").onclick = showKeys;
if (localStorage.getItem("console-theme")) page.dataset.theme = localStorage.getItem("console-theme");
setInterval(() => {
  show();
  if (known.link === "open" && staleMs() > GIVE_UP_MS) socket.close();
}, 250);
if (location.hash) history.replaceState(null, "", location.pathname);
addEventListener("hashchange", async () => {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) await fetch("enter", { method: "POST", headers: { authorization: `Bearer ${token}` } });
  history.replaceState(null, "", location.pathname);
  location.reload();
});
speak(language);
connect();
