package house

import (
	"maps"
	"slices"
	"strings"
)

// layers is the architecture: a folder may import only folders of a lower layer.
// Inside one folder the packages import each other freely.
var layers = map[string]int{
	"identity":   0,
	"trace":      1,
	"wire":       1,
	"chord":      2,
	"natpmp":     2,
	"seal":       2,
	"routing":    3,
	"transport":  3,
	"portmap":    3,
	"sim":        4,
	"swarm":      4,
	"control":    5,
	"runtime":    6,
	"visualizer": 6,
	"samples":    7,
	"cmd":        7,
	"internal":   8, // checks of the repository itself, and its figures: nobody imports them
}

// The graphics library, and the only folder that may link it: everything else
// builds, runs and is tested on machines without a display.
const (
	graphics = "github.com/hajimehoshi/ebiten"
	window   = "visualizer/window"
)

func checkLayers(t *Tree) []Finding {
	var findings []Finding
	unknown := map[string]bool{}
	for _, s := range t.sources {
		from := top(s.path)
		if s.folder() == "." {
			findings = append(findings, t.at(s, s.syntax.Package, "the root holds no Go files: move it into the folder it belongs to"))
			continue
		}
		if _, ok := layers[from]; !ok {
			unknown[from] = true
			continue
		}
		findings = append(findings, t.upwardImports(s)...)
	}
	for _, folder := range slices.Sorted(maps.Keys(unknown)) {
		findings = append(findings, Finding{Path: folder,
			Message: "no layer is known for this folder: put the code into one that has, or give it a number in internal/house/layers.go"})
	}
	return findings
}

func (t *Tree) upwardImports(s *source) []Finding {
	var findings []Finding
	from := top(s.path)
	for _, spec := range s.syntax.Imports {
		rest, ours := strings.CutPrefix(importPath(spec), t.module+"/")
		to := top(rest)
		if !ours || to == from {
			continue
		}
		layer, known := layers[to]
		if known && layer < layers[from] {
			continue
		}
		findings = append(findings, t.at(s, spec.Pos(),
			"%s (layer %d) may not import %s (layer %d): import only lower layers; let the caller pass in what is needed, or declare the small interface you need here",
			from, layers[from], to, layer))
	}
	return findings
}

func checkWindow(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		for _, spec := range s.syntax.Imports {
			if within(importPath(spec), graphics) && !within(s.folder(), window) {
				findings = append(findings, t.at(s, spec.Pos(),
					"only %s may import ebiten: keep the model free of pixels and draw it there", window))
			}
		}
	}
	return findings
}

// checkRuntimeName keeps Go's runtime and the folder runtime apart for the reader.
func checkRuntimeName(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		ours := within(s.folder(), "runtime")
		for _, spec := range s.syntax.Imports {
			ours = ours || importPath(spec) == t.module+"/runtime"
		}
		for _, spec := range s.syntax.Imports {
			named := spec.Name != nil && spec.Name.Name == "goruntime"
			if ours && importPath(spec) == "runtime" && !named {
				findings = append(findings, t.at(s, spec.Pos(), "two packages are called runtime here: import Go's as goruntime"))
			}
		}
	}
	return findings
}
