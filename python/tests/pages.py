"""What tests of pages measure, in the browser."""

# Of the Web Content Accessibility Guidelines 2.2, level AA, for text.
LEAST_CONTRAST = 4.5

# What text there is, and the worst contrast of it to what is behind it, in the page's own colours.
CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let [count, worst, where] = [0, 99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, noscript, title, desc")) continue;
    const style = getComputedStyle(element);
    const own = parts(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(own), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    count += 1;
    if (contrast < worst) [worst, where] = [contrast, `${element.tagName} ${walker.currentNode.data}`];
  }
  return [count, worst, where];
}"""
