// What can be said of a page's accessibility by a program: a list of sentences, empty where nothing is wrong. Evaluated in the page.
(() => {
  const wrong = [];
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const name = (element) => {
    const by = element.getAttribute("aria-labelledby");
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    return (element.getAttribute("aria-label") ?? element.textContent).trim();
  };
  const shown = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.display === "none" || style.visibility === "hidden") return false;
    }
    return true;
  };
  const say = (element, words) => wrong.push(`${words}: <${element.localName} class="${element.getAttribute("class") ?? ""}"> ${element.textContent.trim().slice(0, 60)}`);

  // WCAG 2.2, 1.4.3: contrast of text, by relative luminance.
  const parse = (color) => color === "none" ? [] : color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const part = [red, green, blue].map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return parse(getComputedStyle(document.documentElement).colorScheme === "dark" ? "rgb(0,0,0)" : "rgb(255,255,255)");
  };
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["script", "style", "noscript", "title", "desc"].includes(element.localName)) continue;
    if (!shown(element)) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const color = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const found = ratio(parse(color), behind(element));
    if (found < 4.5) say(element, `contrast ${found.toFixed(2)} is below 4.5`);
    if (parseFloat(style.fontSize) < 12) say(element, `text of ${style.fontSize}`);
  }
  if (texts < 20) wrong.push(`only ${texts} texts were found`);
  // 1.4.11: what a line means is lost with the line.
  for (const line of all("svg svg .w,svg svg .s,svg svg .t,svg svg .d")) {
    const found = ratio(parse(getComputedStyle(line).stroke), behind(line));
    if (!(found >= 3)) say(line, `a line's contrast ${found.toFixed(2)} is below 3`);
  }

  // Names, structure, language.
  for (const graphic of all("svg")) {
    if (graphic.parentElement.closest("svg") || graphic.getAttribute("aria-hidden") === "true") continue;
    const by = (graphic.getAttribute("aria-labelledby") ?? "").split(/\s+/);
    if (graphic.getAttribute("role") !== "img" || !name(graphic) || by.some((id) => !document.getElementById(id))) say(graphic, "a graphic without a name");
    if (!graphic.querySelector(":scope>title") || !graphic.querySelector(":scope>desc")?.textContent) say(graphic, "a graphic without words");
  }
  for (const control of all("a,button,input,select,textarea,summary,[tabindex]")) if (!name(control)) say(control, "a control without a name");
  if (all("form,button,input,select,textarea").length) wrong.push("there is something that could change something");
  let last = 0;
  for (const heading of all("h1,h2,h3,h4,h5,h6")) {
    const level = Number(heading.localName[1]);
    if (level > last + 1) say(heading, `a heading of level ${level} after ${last}`);
    if (!heading.textContent.trim()) say(heading, "an empty heading");
    last = level;
  }
  if (all("h1").length !== 1) wrong.push(`${all("h1").length} headings of level 1`);
  for (const table of all("table")) {
    if (!table.caption?.textContent.trim()) say(table, "a table without a caption");
    if (all("th:not([scope])", table).length) say(table, "a table's heading without a scope");
    if (!all("thead th", table).length || all("tbody tr", table).some((row) => !row.querySelector("th"))) say(table, "a row or column without a heading");
    const columns = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
    for (const row of table.rows) if (columns(row) !== columns(table.rows[0])) say(row, "a row with other columns than the table");
  }
  for (const landmark of ["header", "main", "footer"]) if (all(`body>${landmark}`).length !== 1) wrong.push(`no one landmark ${landmark}`);
  for (const text of all("body *")) {
    const texts = [...text.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
    if (texts.length && !text.closest("header,main,footer,script,style,noscript")) say(text, "a text outside of every landmark");
  }
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (!document.title.trim()) wrong.push("no title");
  const ids = all("[id]").map((element) => element.id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length) wrong.push(`ids that are there twice: ${twice}`);
  for (const use of all("use")) if (!document.querySelector(use.getAttribute("href"))) say(use, "a use of nothing");

  // No wider than the window. What is wider inside may be moved by who has only a keyboard.
  const width = document.documentElement.clientWidth;  // Of the window; a phone's innerWidth grows with what is in it.
  if (document.documentElement.scrollWidth > width) {
    wrong.push(`${document.documentElement.scrollWidth} px wide in a window of ${width}`);
    const wide = all("body *").filter((element) => element.getBoundingClientRect().right > width + 1 && !element.closest(".wide"));
    for (const element of wide.slice(0, 3)) say(element, "too wide");
  }
  // On a wide screen there is room for all of a table.
  for (const table of all(".wide")) if (width >= 1280 && table.scrollWidth > table.clientWidth) say(table, "a table that is cut off");
  // Labels that lie upon each other can't be read.
  for (const svg of all("svg[role=img]")) {
    const boxes = all("text", svg).filter(shown).map((text) => [text, text.getBoundingClientRect()]);
    boxes.forEach(([text, box], index) => {
      if (box.right > width + 1 || box.left < 0) say(text, "a label beyond the edge");
      for (const [other, around] of boxes.slice(index + 1)) {
        const across = Math.min(box.right, around.right) - Math.max(box.left, around.left);
        const down = Math.min(box.bottom, around.bottom) - Math.max(box.top, around.top);
        if (across > 1 && down > 3) say(text, `a label upon another, "${other.textContent}"`);
      }
    });
  }
  return wrong;
})()
