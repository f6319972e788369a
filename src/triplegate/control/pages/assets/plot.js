// Draws the plots of a page from its own tables: what is seen is what is written there.
"use strict";

const COLOURS = ["--p1", "--p2", "--p3", "--p4", "--p5", "--p6", "--p7", "--p8", "--p9"];

function read(table) {
  const heads = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.at);
  const times = rows.map((row) => Number(row.dataset.at));
  const series = heads.map((_, column) => rows.map((row) => {
    const value = row.cells[column + 1].dataset.value;
    return value === undefined || value === "" ? null : Number(value);
  }));
  return { heads, times, series };
}

function stacked(series) {
  // the last one drawn is the lowest: sums from the top of the list to each
  const sums = [];
  series.forEach((values, at) => {
    sums.push(values.map((value, moment) => (value || 0) + (at ? sums[at - 1][moment] : 0)));
  });
  return sums;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axes(unit) {
  const ink = colour("--quiet"), line = colour("--line");
  const common = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const times = (_, ticks, __, ___, step) => ticks.map((tick) => {
    const text = new Date(tick * 1000).toISOString();
    return step < 86400 && tick % 86400 ? text.slice(11, 16) : text.slice(5, 10);
  });
  return [{ ...common, values: times }, { ...common, size: 80, values: (_, ticks) => ticks.map((tick) => `${unit}${+tick.toPrecision(6)}`) }];
}

function stack(figure, read_) {
  const sums = stacked(read_.series);
  const order = read_.heads.map((_, at) => read_.heads.length - 1 - at);
  const bars = uPlot.paths.bars({ size: [0.8, 60], align: 0 });
  const step = read_.times.length > 1 ? read_.times[1] - read_.times[0] : 86400;
  const drawn = order.map((at) => ({
    label: read_.heads[at],
    fill: colour(COLOURS[at % COLOURS.length]),
    stroke: colour(COLOURS[at % COLOURS.length]),
    width: 0,
    paths: bars,
    points: { show: false },
    value: (_, __, ___, moment) => (moment === null ? "–" : `$${read_.series[at][moment]}`),
  }));
  const x = { range: () => [read_.times[0] - step / 2, read_.times[read_.times.length - 1] + step / 2] };
  const y = { range: (_, __, top) => [0, top > 0 ? top * 1.08 : 1] };
  return { series: [{ value: stamp }, ...drawn], scales: { x, y }, values: [read_.times, ...order.map((at) => sums[at])] };
}

function lines(figure, read_) {
  const drawn = read_.heads.map((head, at) => ({
    label: head,
    stroke: colour(COLOURS[at % COLOURS.length]),
    width: 2,
    dash: at ? [6, 4] : [],
    spanGaps: false,
    value: (_, value) => (value === null || value === undefined ? "–" : `$${value}`),
  }));
  return { series: [{ value: stamp }, ...drawn], scales: { y: { range: (_, low, top) => [Math.min(0, low), top > 0 ? top * 1.08 : 1] } }, values: [read_.times, ...read_.series] };
}

function stamp(_, seconds) {
  return seconds === null || seconds === undefined ? "–" : new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}

function draw() {
  for (const figure of document.querySelectorAll("figure[data-plot]")) {
    figure.querySelector(".uplot")?.remove();
    const table = document.getElementById(figure.dataset.table);
    const found = table ? read(table) : null;
    if (!found || !found.times.length || !found.heads.length) continue;
    const kind = figure.dataset.plot === "stack" ? stack : lines;
    const { series, scales, values } = kind(figure, found);
    const options = {
      width: Math.max(320, figure.clientWidth - 24),
      height: 300,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
      legend: { live: true },
      axes: axes(figure.dataset.unit || ""),
      series,
      scales,
    };
    new uPlot(options, values, figure);
    figure.dataset.drawn = String(found.times.length);
  }
}

let waiting = 0;
function soon() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
}

document.addEventListener("htmx:after:swap", soon);
document.addEventListener("htmx:after:history:update", soon);
addEventListener("resize", soon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
soon();
