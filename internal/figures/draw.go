package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"cicada/sim"
)

// A picture is one plot: how results depend on what is on its x axis.
type picture struct {
	name  string // of its file, without .svg
	x, y  axis
	lines []line // the first half stands left in the legend
}

// An axis has a title with the unit, and ticks where the plan says.
type axis struct {
	title    string
	log      bool
	min, max float64
	ticks    []tick
}

type tick struct {
	value float64
	label string
}

// A line joins what the runs of one series of a set gave.
type line struct {
	name   string
	set    string
	series string
	value  func(*sim.Result) float64 // NaN: it was not measured
	color  color.Color
	dashed bool
}

// The colours are of the set that Okabe and Ito chose so that no kind of colour
// blindness confuses them. These, and the grey of all text, have a contrast of more
// than 3 to white and to black alike, for pages that are light and pages that are
// dark: nothing is drawn behind them.
var (
	blue   = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	orange = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	green  = color.NRGBA{0x00, 0x9e, 0x73, 0xff}
	grey   = color.NRGBA{0x76, 0x76, 0x76, 0xff}
	faint  = color.NRGBA{0x80, 0x80, 0x80, 0x48}
)

// The size of all pictures, and of what is in them. A screen shows 4 pixels for 3 points.
const (
	width     = vg.Length(525)
	height    = vg.Length(310)
	legendRow = vg.Length(15)
	textSize  = 10.5
	lineWidth = vg.Length(1.6)
	glyphSize = vg.Length(3)
)

// draw returns the picture as SVG.
func (p picture) draw(results map[run]*result) ([]byte, error) {
	drawn := plot.New()
	drawn.BackgroundColor = nil
	p.x.set(&drawn.X)
	p.y.set(&drawn.Y)
	drawn.Add(&plotter.Grid{Horizontal: draw.LineStyle{Color: faint, Width: 0.7}})
	columns := [2]plot.Legend{legend(), legend()}
	half := (len(p.lines) + 1) / 2
	for i, l := range p.lines {
		values, err := l.values(results)
		if err != nil {
			return nil, err
		}
		marks, err := l.plot(p.x, p.y, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		drawn.Add(marks.line, marks.points)
		columns[i/half].Add(l.name, marks.line, marks.points)
	}
	// Ranges grew with what was added; the plan says what is seen.
	drawn.X.Min, drawn.X.Max, drawn.Y.Min, drawn.Y.Max = p.x.at(p.x.min), p.x.at(p.x.max), p.y.at(p.y.min), p.y.at(p.y.max)

	canvas := vgsvg.New(width, height)
	all := draw.Crop(draw.New(canvas), 2, -8, 2, -4)
	for i := range columns {
		column := draw.Crop(all, 30+vg.Length(i)*(all.Max.X-all.Min.X)/2, 0, 0, 0)
		columns[i].Draw(column)
	}
	drawn.Draw(draw.Crop(all, 0, 0, 0, -vg.Length(half)*legendRow-8))
	return portable(canvas)
}

// marks are a line and its points.
type marks struct {
	line   *plotter.Line
	points *plotter.Scatter
}

// values returns what a line shows. Each run must have measured it.
func (l line) values(results map[run]*result) (plotter.XYs, error) {
	var values plotter.XYs
	for _, r := range plan() {
		if r.set != l.set || r.series != l.series {
			continue
		}
		y := l.value(&results[r].Result)
		if math.IsNaN(y) {
			return nil, fmt.Errorf("%s: %q did not measure this", l.name, r.command())
		}
		values = append(values, plotter.XY{X: r.x, Y: y})
	}
	return values, nil
}

// plot makes the marks of a line between two axes.
func (l line) plot(x, y axis, values plotter.XYs) (marks, error) {
	var at plotter.XYs
	for _, v := range values {
		at = append(at, plotter.XY{X: x.at(v.X), Y: y.at(v.Y)})
	}
	joined, err := plotter.NewLine(at)
	if err != nil {
		return marks{}, err
	}
	joined.LineStyle = draw.LineStyle{Color: l.color, Width: lineWidth}
	points, err := plotter.NewScatter(at)
	if err != nil {
		return marks{}, err
	}
	points.GlyphStyle = draw.GlyphStyle{Color: l.color, Radius: glyphSize, Shape: l.shape()}
	if l.dashed {
		joined.Dashes = []vg.Length{5, 3}
	}
	return marks{joined, points}, nil
}

// shape returns a sign for the points, so that colours are not all that tells lines
// apart.
func (l line) shape() draw.GlyphDrawer {
	switch l.color {
	case blue:
		return draw.CircleGlyph{}
	case orange:
		return draw.BoxGlyph{}
	default:
		return draw.PyramidGlyph{}
	}
}

// at returns where on an axis a value is. The library's own logarithmic scale puts the
// axis title elsewhere than in the middle, and leaves room for it there.
func (a axis) at(value float64) float64 {
	if a.log {
		return math.Log10(value)
	}
	return value
}

// set gives an axis of the plot the looks of a.
func (a axis) set(to *plot.Axis) {
	to.Color = grey
	to.Label.Text = a.title
	to.Label.Padding = 4
	restyle(&to.Label.TextStyle)
	restyle(&to.Tick.Label)
	to.Tick.Length = 4
	to.Tick.Color = grey
	to.Padding = 0
	var ticks plot.ConstantTicks
	for _, t := range a.ticks {
		ticks = append(ticks, plot.Tick{Value: a.at(t.value), Label: t.label})
	}
	to.Tick.Marker = ticks
}

func legend() plot.Legend {
	l := plot.NewLegend()
	l.Top, l.Left = true, true
	l.ThumbnailWidth = 30
	l.Padding = 3
	restyle(&l.TextStyle)
	return l
}

func restyle(style *text.Style) {
	style.Color = grey
	style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, textSize)
}

// portable returns what was drawn, with fonts that readers have: Liberation Sans, by
// which the text was measured, is as wide as Arial, letter by letter.
func portable(canvas *vgsvg.Canvas) ([]byte, error) {
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(svg.Bytes(),
		[]byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}
