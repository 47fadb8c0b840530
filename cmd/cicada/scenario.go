package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"cicada/cmd/cicada/internal/scenario"
)

// A scenarioFile names a YAML file that says what sim simulates: values for flags
// that the command line leaves out, as a configuration file does, and under steps a
// list of what is done to the swarm.
type scenarioFile string

// stepsKey is the key of a scenario that is no flag.
const stepsKey = "steps"

// BeforeResolve is called by kong, between reading the command line and filling in
// what that leaves out.
func (scenarioFile) BeforeResolve(ctx *kong.Context, at *kong.Path) error {
	path := string(ctx.FlagValue(at.Flag).(scenarioFile))
	settings, steps, err := readScenario(path)
	if err != nil {
		return err
	}
	values := make(map[string]any)
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
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %.*s", path, s.line, maxConfigReason, err.Error()))
		}
	}
	list, errs := stepTexts(path, steps)
	wrong = append(wrong, errs...)
	if len(list) > 0 {
		values["step"] = list
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

// stepTexts returns steps as the flag takes them.
func stepTexts(path string, steps *yaml.Node) (list []any, wrong []error) {
	if steps == nil {
		return nil, nil
	}
	if steps.Kind != yaml.SequenceNode {
		return nil, []error{fmt.Errorf("%s:%d: %s: want a list", path, steps.Line, stepsKey)}
	}
	for _, node := range steps.Content {
		step, err := scenario.Step(node)
		var at *scenario.LineError
		if errors.As(err, &at) {
			wrong = append(wrong, fmt.Errorf("%s:%d: %.*s", path, at.Line, maxConfigReason, err.Error()))
			continue
		}
		list = append(list, step.String())
	}
	return list, wrong
}
