// What of the page in front fails: texts with too little contrast, boxes wider than the window, targets too small to hit,
// fields without a name. Each as a line that says where.
() => {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const part = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const [red, green, blue, alpha = 1] = numbers(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const where = (node) => `${node.tagName.toLowerCase()}.${node.className} "${node.textContent.trim().slice(0, 40)}"`;
  const seen = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !node.closest(".unseen, .skip, option, noscript");
  const nodes = [...document.body.querySelectorAll("*")].filter(seen);
  const texts = nodes.filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  const contrast = [];
  for (const node of texts) {
    const style = getComputedStyle(node);
    const [lighter, darker] = [luminance(numbers(style.color)), luminance(ground(node))].sort((a, b) => b - a);
    const ratio = (lighter + 0.05) / (darker + 0.05);
    if (ratio < 4.5) contrast.push(`${where(node)} ${ratio.toFixed(2)}`);
  }
  const width = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > width ? [`page ${document.documentElement.scrollWidth}`] : [];
  for (const node of nodes) {
    if (node.closest(".value, .rows, .bar nav")) continue;
    const box = node.getBoundingClientRect();
    if (box.width && box.right > width + 1 && getComputedStyle(node).position !== "absolute") wide.push(where(node));
  }
  const small = [];
  for (const node of nodes.filter((each) => each.matches("button, input, select, summary, nav a"))) {
    const box = node.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) small.push(`${where(node)} ${box.width}x${box.height}`);
  }
  const nameless = nodes
    .filter((node) => node.matches("input:not([type=hidden]), select") && !node.labels?.length && !node.ariaLabel)
    .map(where);
  return { contrast, wide, small, nameless };
}
