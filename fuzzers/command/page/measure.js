// For browser_test: measures the page that it is put into and tells the frame
// around it what is wrong, or how many texts are fine.
const wrong = [];
const sought = document.currentScript.dataset.text;
if (!document.body.innerText.includes(sought)) wrong.push(`no "${sought}"`);
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) {
  wrong.push(`${root.scrollWidth} pixels of ${root.clientWidth}`);
}

// "rgb(1, 2, 3)" or "rgba(...)" as numbers.
const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = channels(colour).slice(0, 3).map((channel) => {
    const c = channel / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (channels(colour)[3] !== 0) return colour;
  }
  return "rgb(255, 255, 255)";
};

let texts = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  if (!text || element.localName === "script" || element.closest(".said")) {
    continue;
  }
  ++texts;
  // A letter a line is as bad as what does not fit.
  if (text.length > 40 && element.clientWidth > 0 && element.clientWidth < 90) {
    wrong.push(`${element.clientWidth} pixels for: ${text}`);
  }
  const range = document.createRange();
  range.selectNodeContents(walker.currentNode);
  if (element.closest("svg")) {
    // What is drawn is drawn smaller where there is less room.
    if (range.getBoundingClientRect().height < 9) {
      wrong.push(`drawn too small: ${text}`);
    }
  } else if (text.length < 9 && !/[ -]/.test(text) &&
      range.getBoundingClientRect().height >
          2 * parseFloat(getComputedStyle(element).fontSize)) {
    wrong.push(`broken in its middle: ${text}`);
  }
  const [low, high] = [
    luminance(getComputedStyle(element).color), luminance(ground(element))
  ].sort((a, b) => a - b);
  const contrast = (high + 0.05) / (low + 0.05);
  if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${text}`);
}
// Chips, links and what unfolds are reached by the keyboard, and say what they
// are.
for (const element of document.querySelectorAll("a, summary")) {
  if (element.tabIndex < 0) wrong.push(`no key reaches ${element.textContent}`);
  if (!element.textContent.trim()) wrong.push("a link says nothing");
}
for (const image of document.querySelectorAll("svg")) {
  if (!image.getAttribute("aria-label") && !image.getAttribute("aria-hidden")) {
    wrong.push("an image says nothing");
  }
}
// A table and a part of the page are known by a name.
for (const element of document.querySelectorAll("table, article")) {
  if (!element.getAttribute("aria-label") && !element.caption) {
    wrong.push(`${element.localName} ${element.className} has no name`);
  }
}
// Headings go down one at a time.
let last = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
  const level = Number(heading.localName[1]);
  if (level > last + 1) wrong.push(`h${level} after h${last}`);
  last = level;
}
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) wrong.push("an id stands twice");
for (const link of document.querySelectorAll("a")) {
  const id = link.getAttribute("href").slice(1);
  if (!ids.includes(id)) wrong.push(`no place ${id}`);
}
parent.postMessage(
    wrong.length ? wrong.join("; ") : `fine, ${texts} texts`, "*");
