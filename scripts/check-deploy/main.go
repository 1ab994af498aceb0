// Command check-deploy reads what is in deploy/ with the readers of those who will:
//
//	check-deploy compose FILE...    loads Compose files, later ones over earlier ones, as `docker compose config` does
//	check-deploy kubernetes         decodes the objects on standard input, strictly, into the types of Kubernetes
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/compose-spec/compose-go/v2/cli"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "check-deploy:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 1 && args[0] == "compose" {
		return compose(args[1:])
	}
	if len(args) == 1 && args[0] == "kubernetes" {
		return kubernetes(os.Stdin)
	}
	return errors.New("say compose FILE... or kubernetes")
}

// compose ignores the environment, so that every variable must have a default.
func compose(files []string) error {
	options, err := cli.NewProjectOptions(files, cli.WithEnv(nil))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	names := project.ServiceNames()
	sort.Strings(names)
	for _, name := range names {
		service := project.Services[name]
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				return fmt.Errorf("service %s publishes %s beyond loopback", name, port.Published)
			}
		}
		for _, volume := range service.Volumes {
			if volume.Type != "bind" {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				return fmt.Errorf("service %s: %w", name, err)
			}
		}
	}
	fmt.Printf("compose: %v\n", names)
	return nil
}

// By kind; an object of another kind is refused.
var kinds = map[string]func() any{
	"v1/ConfigMap":                            func() any { return &core.ConfigMap{} },
	"v1/Service":                              func() any { return &core.Service{} },
	"apps/v1/Deployment":                      func() any { return &apps.Deployment{} },
	"batch/v1/Job":                            func() any { return &batch.Job{} },
	"policy/v1/PodDisruptionBudget":           func() any { return &policy.PodDisruptionBudget{} },
	"networking.k8s.io/v1/NetworkPolicy":      func() any { return &networking.NetworkPolicy{} },
	"monitoring.coreos.com/v1/ServiceMonitor": func() any { return &monitoring.ServiceMonitor{} },
	"monitoring.coreos.com/v1/PrometheusRule": func() any { return &monitoring.PrometheusRule{} },
}

func kubernetes(input io.Reader) error {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(input))
	count := 0
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var head struct {
			meta.TypeMeta   `json:",inline"`
			meta.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			return err
		}
		if head.Kind == "" {
			continue
		}
		name := head.APIVersion + "/" + head.Kind
		create, known := kinds[name]
		if !known {
			return fmt.Errorf("%s %s: of a kind that is not known here", name, head.Name)
		}
		if err := yaml.UnmarshalStrict(document, create()); err != nil {
			return fmt.Errorf("%s %s: %w", name, head.Name, err)
		}
		count++
	}
	if count == 0 {
		return errors.New("no objects on standard input")
	}
	fmt.Printf("kubernetes: %d objects\n", count)
	return nil
}
