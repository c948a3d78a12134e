// A trace as a tree with the time of each step beside it, in one list of which only the rows in sight exist.
// What a step is called is data: it is only ever set as text.

const ROW = 26;
const SPARE = 12;
const HIGHEST = 572;
const MANY = 40;
const FAILED = 1, FRAME = 2;
const LEGEND = [["model", "Model"], ["tool", "Tool"], ["guardrail", "Check"], ["handoff", "Handover"]];
const views = new WeakMap();

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

function seconds(ms, step) {
  return `${(ms / 1000).toFixed(step >= 1000 ? 0 : step >= 100 ? 1 : 2)} s`;
}

function niceStep(total) {
  const rough = Math.max(total, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

class View {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`.${name}`);
    this.list = this.part("list");
    this.space = this.part("space");
    this.folded = new Set();
    this.chosen = null;
    this.focus = null;
    this.visible = [];
    for (const [kind, word] of LEGEND) {
      const item = make("span");
      item.append(make("i", `dot ${kind}`), word);
      this.part("legend").append(item);
    }
    this.list.onscroll = () => this.paint();
    this.list.onclick = (event) => this.clicked(event);
    this.list.onkeydown = (event) => this.pressed(event);
    this.part("find").oninput = () => this.layOut();
    this.part("frames").onchange = () => this.layOut();
    this.part("error").onclick = () => this.nextError();
    this.part("fold").onclick = () => this.foldAll();
    this.part("zoom").onclick = () => this.zoom(!this.isNear);
    this.find = (event) => {
      const isTyping = event.composedPath()[0].closest?.('input:not([type="checkbox"]), textarea, [contenteditable="true"]');
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
      event.preventDefault();
      this.part("find").focus();
    };
    document.addEventListener("keydown", this.find);
  }

  stop() {
    document.removeEventListener("keydown", this.find);
    clearTimeout(this.later);
  }

  update(data, choose) {
    this.choose = choose;
    if (data === this.data) return;
    const isOther = !this.data || this.data.key !== data.key;
    this.data = data;
    if (isOther) this.folded.clear();
    this.list.setAttribute("aria-label", data.label);
    this.rows = data.rows.map(([id, depth, kind, title, start, length, time, cost, flags, badge], place) => ({
      place, id, depth, kind: data.kinds[kind], title, start, length, time, cost, flags, badge,
      search: `${title} ${badge}`.toLowerCase(),
    }));
    this.waits = data.waits.map(([before, at, text]) => ({ before, at, text }));
    this.errors = this.rows.filter((row) => row.flags & FAILED && !(row.flags & FRAME));
    const error = this.part("error");
    error.hidden = this.errors.length === 0;
    error.textContent = this.errors.length > 1 ? `First of ${this.errors.length} errors` : "Go to the error";
    this.root.classList.toggle("free", !this.rows.some((row) => row.cost));
    const [focus, count] = data.focus;
    const isAsked = focus && `${focus} ${count} ${data.key}` !== this.focus;
    if (isAsked) {
      this.focus = `${focus} ${count} ${data.key}`;
      this.chosen = focus;
      this.unfoldTo(focus);
    }
    this.layOut();
    if (isAsked) this.reveal(focus);
  }

  layOut() {
    const text = this.part("find").value.trim().toLowerCase();
    const withFrames = this.part("frames").checked || this.rows.every((row) => row.flags & FRAME);
    const shown = [];
    const above = [];
    let under = Infinity;
    for (const row of this.rows) {
      while (above.length && above[above.length - 1].depth >= row.depth) above.pop();
      const isFrame = Boolean(row.flags & FRAME) && !withFrames;
      const depth = above.filter((one) => !one.isFrame).length;
      above.push({ depth: row.depth, isFrame });
      if (row.depth > under) continue;
      under = Infinity;
      if (text) {
        if (row.search.includes(text)) shown.push({ row, depth: 0 });
        continue;
      }
      if (!isFrame) shown.push({ row, depth });
      if (this.folded.has(row.id) && !isFrame) under = row.depth;
    }
    for (const item of shown) {
      const next = this.rows[item.row.place + 1];
      item.isParent = Boolean(next) && next.depth > item.row.depth && !text;
    }
    this.visible = [];
    const waits = [...this.waits];
    for (const item of shown) {
      while (!text && waits.length && waits[0].before <= item.row.place) this.visible.push({ wait: waits.shift() });
      this.visible.push(item);
    }
    if (!text) this.visible.push(...waits.map((wait) => ({ wait })));
    const matched = text ? shown.length : this.rows.filter((row) => withFrames || !(row.flags & FRAME)).length;
    const all = this.rows.length.toLocaleString("en");
    this.part("count").textContent = matched < this.rows.length ? `${matched.toLocaleString("en")} of ${all}` : `${all} steps`;
    this.part("count").title = this.part("count").textContent;
    this.part("fold").textContent = this.folded.size ? "Unfold all" : "Fold all";
    this.space.style.height = `${this.visible.length * ROW}px`;
    this.list.style.height = `${Math.min(Math.max(this.visible.length, 2) * ROW, HIGHEST)}px`;
    this.part("zoom").hidden = this.visible.length <= MANY && !this.isNear;
    this.paint(true);
  }

  // From when to when the axis reaches: the whole trace, or the steps in sight without those that only hold others.
  extent(first, last) {
    if (!this.isNear) return [0, Math.max(this.data.total, 0.001)];
    const inSight = this.visible.slice(first, last).flatMap((item) => (item.row ? [item.row] : []));
    const leaves = inSight.filter((row) => !(this.rows[row.place + 1]?.depth > row.depth));
    const rows = leaves.length ? leaves : inSight;
    if (!rows.length) return [0, Math.max(this.data.total, 0.001)];
    const from = Math.min(...rows.map((row) => row.start));
    return [from, Math.max(...rows.map((row) => row.start + row.length), from + 0.001)];
  }

  share(at) {
    return Math.min(Math.max((at - this.from) / (this.to - this.from), 0), 1) * 100;
  }

  drawAxis() {
    const step = niceStep(this.to - this.from);
    const ticks = [];
    for (let at = Math.ceil(this.from / step) * step; this.share(at) <= 96 && at <= this.to; at += step) {
      const tick = make("b", "", at ? seconds(at, step) : "0 s");
      tick.style.left = `${this.share(at)}%`;
      ticks.push(tick);
    }
    this.part("axis").replaceChildren(...ticks);
  }

  zoom(isNear) {
    this.isNear = isNear;
    this.part("zoom").textContent = isNear ? "Whole time" : "Zoom in";
    this.layOut();
  }

  paint(isAnew = false) {
    const top = Math.floor(this.list.scrollTop / ROW);
    const bottom = Math.ceil((this.list.scrollTop + HIGHEST) / ROW);
    const first = Math.max(0, top - SPARE);
    const last = Math.min(this.visible.length, bottom + SPARE);
    if (!isAnew && !this.isNear && this.painted && this.painted[0] <= first + SPARE / 2 && this.painted[1] >= last - SPARE / 2) return;
    this.painted = [first, last];
    [this.from, this.to] = this.extent(top, bottom);
    this.drawAxis();
    this.space.replaceChildren(...this.visible.slice(first, last).map((item, at) => this.draw(item, first + at)));
    if (!this.visible.length) this.space.append(make("div", "none", "No step has these words."));
    const active = this.visible.findIndex((item) => item.row?.id === this.chosen);
    if (active >= 0) this.list.setAttribute("aria-activedescendant", `step-${active}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  draw(item, at) {
    const line = make("div", "row");
    line.id = `step-${at}`;
    line.style.top = `${at * ROW}px`;
    line.setAttribute("role", "treeitem");
    line.setAttribute("aria-posinset", at + 1);
    line.setAttribute("aria-setsize", this.visible.length);
    const name = make("span", "name");
    const track = make("span", "track");
    if (item.wait) {
      line.classList.add("wait");
      line.setAttribute("aria-label", item.wait.text);
      name.style.paddingLeft = "18px";
      name.append(make("span", "", item.wait.text));
    } else {
      const { row, depth, isParent } = item;
      const isFailed = Boolean(row.flags & FAILED);
      line.dataset.place = row.place;
      line.classList.add(isFailed ? "bad" : row.kind);
      if (row.flags & FRAME || row.kind === "other") line.classList.add("frame");
      if (!isParent) line.classList.add("leaf");
      else line.setAttribute("aria-expanded", String(!this.folded.has(row.id)));
      line.setAttribute("aria-level", depth + 1);
      line.setAttribute("aria-selected", String(row.id === this.chosen));
      line.setAttribute("aria-label", [row.title, isFailed ? "failed" : "", row.badge, row.time, row.cost].filter(Boolean).join(", "));
      line.title = row.title;
      name.style.paddingLeft = `${Math.min(depth, 12) * 13}px`;
      name.append(make("span", "caret"), make("i", "dot"), make("span", isFailed ? "failed" : "", row.title));
      if (row.badge) name.append(make("em", "", row.badge));
      const [left, right] = [this.share(row.start), this.share(row.start + row.length)];
      const bar = make("i", "bar");
      bar.style.left = `${Math.min(left, 99.5)}%`;
      bar.style.width = `${Math.max(right - left, 0.4)}%`;
      if (row.start <= this.to && row.start + row.length >= this.from) track.append(bar);
    }
    for (const wait of this.waits.filter(({ at }) => at >= this.from && at <= this.to)) {
      const mark = make("i", "mark");
      mark.style.left = `${this.share(wait.at)}%`;
      track.append(mark);
    }
    line.append(name, track, make("span", "time", item.row?.time ?? ""), make("span", "cost", item.row?.cost ?? ""));
    return line;
  }

  clicked(event) {
    const line = event.target.closest(".row");
    if (!line?.dataset.place) return;
    const row = this.rows[Number(line.dataset.place)];
    if (event.target.closest(".caret") && line.hasAttribute("aria-expanded")) this.fold(row, !this.folded.has(row.id));
    else this.pick(row.id, 0);
  }

  pressed(event) {
    const at = this.visible.findIndex((item) => item.row?.id === this.chosen);
    const item = this.visible[at];
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9 }[event.key];
    if (move) {
      const way = Math.sign(move);
      let next = Math.min(Math.max((at < 0 ? 0 : at) + (at < 0 ? 0 : move), 0), this.visible.length - 1);
      while (this.visible[next]?.wait && this.visible[next + way]) next += way;
      if (this.visible[next]?.row) this.pick(this.visible[next].row.id, 150);
    } else if (event.key === "ArrowLeft" && item?.isParent) this.fold(item.row, true);
    else if (event.key === "ArrowRight" && item?.isParent) this.fold(item.row, false);
    else return;
    event.preventDefault();
  }

  pick(id, delay) {
    this.chosen = id;
    this.paint(true);
    this.reveal(id);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.choose(id), delay);
  }

  reveal(id) {
    const at = this.visible.findIndex((item) => item.row?.id === id);
    if (at < 0) return;
    const top = at * ROW;
    const height = Math.min(this.list.clientHeight || HIGHEST, HIGHEST);
    if (top < this.list.scrollTop) this.list.scrollTop = Math.max(0, top - ROW);
    else if (top + ROW > this.list.scrollTop + height) this.list.scrollTop = top + 2 * ROW - height;
    this.paint(true);
  }

  fold(row, isFolded) {
    if (isFolded) this.folded.add(row.id);
    else this.folded.delete(row.id);
    this.layOut();
  }

  foldAll() {
    if (this.folded.size) this.folded.clear();
    else this.rows.forEach((row, at) => { if (this.rows[at + 1]?.depth > row.depth && !(row.flags & FRAME)) this.folded.add(row.id); });
    this.layOut();
  }

  unfoldTo(id) {
    const target = this.rows.find((row) => row.id === id);
    if (!target) return;
    let depth = target.depth;
    for (let at = target.place - 1; at >= 0 && depth > 0; at -= 1) {
      if (this.rows[at].depth < depth) {
        this.folded.delete(this.rows[at].id);
        depth = this.rows[at].depth;
      }
    }
  }

  nextError() {
    const at = this.errors.findIndex((row) => row.id === this.chosen);
    const error = this.errors[(at + 1) % this.errors.length];
    this.part("find").value = "";
    this.unfoldTo(error.id);
    this.layOut();
    this.pick(error.id, 0);
    if (this.errors.length > 1) this.part("error").textContent = "Next error";
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".trace");
  if (!views.has(root)) views.set(root, new View(root));
  const view = views.get(root);
  view.update(data, (id) => setTriggerValue("chosen", id));
  return () => {
    view.stop();
    views.delete(root);
  };
}
