package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"cicada/cmd/cicada/internal/scenario"
)

// A scenarioFile names a YAML file that says what sim simulates: values for flags
// that the command line leaves out, as a configuration file does, and under steps a
// list of what is done to the swarm.
type scenarioFile string

// A source knows which flags and steps of a simulation a scenario has, and where, for
// what turns out to be wrong with them only once all of it is known.
type source struct {
	flags map[string]string // file:line: name
	steps []string          // file:line of each
}

// name returns what an error calls a flag.
func (s *source) name(flag string) string {
	if at, ok := s.flags[flag]; ok {
		return at
	}
	return "--" + flag
}

// locate returns a mistake that begins with a flag with the place that this has in the
// scenario, if it is there.
func (s *source) locate(err error) error {
	text := err.Error()
	word, _, _ := strings.Cut(text, " ")
	word = strings.TrimSuffix(word, ":")
	if at := s.name(strings.TrimPrefix(word, "--")); at != word && strings.HasPrefix(word, "--") {
		return &codedError{exitCode(err), errors.New(at + strings.TrimPrefix(text, word))}
	}
	return err
}

// step returns what an error calls the i-th step.
func (s *source) step(i int) string {
	if i < len(s.steps) {
		return s.steps[i]
	}
	return "--step"
}

// stepsKey is the key of a scenario that is no flag.
const stepsKey = "steps"

// BeforeResolve is called by kong, between reading the command line and filling in
// what that leaves out.
func (scenarioFile) BeforeResolve(ctx *kong.Context, at *kong.Path, from *source) error {
	path := string(ctx.FlagValue(at.Flag).(scenarioFile))
	settings, steps, err := readScenario(path)
	if err != nil {
		return err
	}
	values := make(map[string]any)
	from.flags = make(map[string]string)
	onLine := given(ctx)
	var wrong []error
	for _, s := range settings {
		flag := flagOf(ctx.Flags(), s.key)
		switch err = nil; {
		case flag == nil || flag.Name == "scenario" || flag.Name == "help" || flag.Name == "step":
			err = fmt.Errorf("unknown key %.100q", s.key)
		case values[flag.Name] != nil:
			err = fmt.Errorf("%s is set a second time", s.key)
		default:
			values[flag.Name] = s.value
			err = s.try(flag)
			if !slices.Contains(onLine, flag) {
				from.flags[flag.Name] = fmt.Sprintf("%s:%d: %s", path, s.line, flag.Name)
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %.*s", path, s.line, maxConfigReason, err.Error()))
		}
	}
	list, places, errs := stepTexts(path, steps)
	wrong = append(wrong, errs...)
	if len(list) > 0 {
		values["step"] = list
		if !slices.Contains(onLine, flagOf(ctx.Flags(), "step")) {
			from.steps = places
		}
	}
	if more := len(wrong) - maxConfigErrors; more > 0 {
		wrong = append(wrong[:maxConfigErrors], fmt.Errorf("and %d more", more))
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		return values[flag.Name], nil
	}))
	return errors.Join(wrong...)
}

// readScenario reads a scenario. It does not look at what the keys mean.
func readScenario(path string) (settings []configLine, steps *yaml.Node, err error) {
	top, err := configMapping(path)
	if err != nil || top == nil {
		return nil, nil, err
	}
	flags := *top
	flags.Content = nil
	for i := 0; i+1 < len(top.Content); i += 2 {
		if key := top.Content[i]; key.Value != stepsKey {
			flags.Content = append(flags.Content, key, top.Content[i+1])
		} else if steps != nil {
			return nil, nil, fmt.Errorf("%s:%d: %s is set a second time", path, key.Line, stepsKey)
		} else {
			steps = top.Content[i+1]
		}
	}
	settings, err = configLines(path, &flags)
	return settings, steps, err
}

// stepTexts returns steps as the flag takes them, and where each is.
func stepTexts(path string, steps *yaml.Node) (list []any, places []string, wrong []error) {
	if steps == nil {
		return nil, nil, nil
	}
	if steps.Kind != yaml.SequenceNode {
		return nil, nil, []error{fmt.Errorf("%s:%d: %s: want a list", path, steps.Line, stepsKey)}
	}
	for _, node := range steps.Content {
		step, err := scenario.Step(node)
		var at *scenario.LineError
		if errors.As(err, &at) {
			wrong = append(wrong, fmt.Errorf("%s:%d: %.*s", path, at.Line, maxConfigReason, err.Error()))
			continue
		}
		list = append(list, step.String())
		places = append(places, fmt.Sprintf("%s:%d", path, node.Line))
	}
	return list, places, wrong
}
