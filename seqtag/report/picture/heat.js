// Heat maps of gates and states.

function rowHeight(count) {
  if (count <= 16) return 19;
  if (count <= 40) return 12;
  return count <= 130 ? 5 : 3;
}

// A gate or state: a row for each unit, a column for each word.
class HeatPlot extends Plot {
  constructor(track, layer, name, units, sides, range, label) {
    const row = rowHeight(units.length);
    super(track, row * units.length, label);
    Object.assign(this, { layer, name, units, sides, range, rowSize: row });
    if (row >= 12) {
      units.forEach((unit, index) => {
        const style = { top: `${index * row}px`, "line-height": `${row}px` };
        this.gutter.append(element("span", { style }, `${layer} ${unit}`));
      });
    } else {
      this.gutter.append(element("span", { style: { top: "0" } }, `${layer}`));
      this.gutter.append(element("span", { style: { top: "1.2em" } }, `${units.length} units`));
    }
  }

  image() {
    const { trace, colours } = this.track;
    const picture = document.createElement("canvas");
    picture.width = trace.length;
    picture.height = this.units.length;
    const context = picture.getContext("2d");
    const pixels = context.createImageData(picture.width, picture.height);
    const { range } = this;
    let at = 0;
    this.units.forEach((unit, index) => {
      const side = range.isSigned ? this.sides[index] : 1;
      for (let column = 0; column < trace.length; column++) {
        const place = trace.rtl ? trace.length - 1 - column : column;
        const value = side * trace.at(this.layer, this.name, unit, place);
        pixels.data.set(colours.value(value, range), at);
        pixels.data[at + 3] = 255;
        at += 4;
      }
    });
    context.putImageData(pixels, 0, 0);
    return picture;
  }

  paint(context) {
    const { column, room, scroll, colours } = this.track;
    this.picture ??= this.image();
    context.imageSmoothingEnabled = false;
    const first = Math.floor(scroll / column);
    const count = Math.min(this.picture.width - first, Math.ceil(room / column) + 1);
    const rows = this.units.length;
    const place = [first * column, 0, count * column, this.height];
    context.drawImage(this.picture, first, 0, count, rows, ...place);
    if (this.rowSize >= 12) {
      context.fillStyle = colours.background;
      for (let index = 1; index < this.units.length; index++) {
        context.fillRect(scroll, index * this.rowSize - 0.5, room, 1);
      }
      if (column > 20) {
        for (const place of this.track.visible())
          context.fillRect(this.track.left(place) - 0.5, 0, 1, this.height);
      }
    }
    this.paintPersons(context);
  }

  unitAt(y) {
    return this.units[Math.floor(y / this.rowSize)];
  }

  mark(place, unit) {
    super.mark(place);
    const index = this.units.indexOf(unit);
    this.row.hidden = index < 0;
    if (index >= 0) {
      this.row.style.top = `${index * this.rowSize}px`;
      this.row.style.height = `${this.rowSize}px`;
    }
  }
}
