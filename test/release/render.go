// Renders a chart as Helm does, with what Helm is made of: Go's text/template, sprig, and its YAML.
// Arguments: release name, namespace, then for each chart its folder and a JSON object of values that win over values.yaml.
// The last chart is rendered; the others before it lend their named templates.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := render(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(release, namespace, given string, charts []string) error {
	all := template.New("charts").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["include"] = func(name string, data any) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	functions["required"] = func(message string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	functions["toYaml"] = func(value any) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	all.Funcs(functions)
	for _, chart := range charts {
		files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := all.New(file).Parse(string(text)); err != nil {
				return err
			}
		}
	}
	return execute(all, charts[len(charts)-1], release, namespace, given)
}

func execute(all *template.Template, chart, release, namespace, given string) error {
	var about, values, over map[string]any
	for name, into := range map[string]*map[string]any{"Chart.yaml": &about, "values.yaml": &values} {
		text, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			return err
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			return err
		}
	}
	if err := json.Unmarshal([]byte(given), &over); err != nil {
		return err
	}
	merge(values, over)
	data := map[string]any{
		"Values":  values,
		"Chart":   map[string]any{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": map[string]any{"Name": release, "Namespace": namespace, "Service": "Helm"},
	}
	files, _ := filepath.Glob(filepath.Join(chart, "templates", "*.yaml"))
	for _, file := range files {
		fmt.Println("---")
		if err := all.ExecuteTemplate(os.Stdout, file, data); err != nil {
			return err
		}
	}
	return nil
}

func merge(values, over map[string]any) {
	for name, value := range over {
		inner, isMap := value.(map[string]any)
		under, isUnder := values[name].(map[string]any)
		if isMap && isUnder {
			merge(under, inner)
		} else {
			values[name] = value
		}
	}
}
