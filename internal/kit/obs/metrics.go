package obs

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is a node's Prometheus registry. It implements web.Meter. Label values come from the
// table of routes only, never from a request, so that strangers cannot make series.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics makes a registry with the process's and the runtime's own metrics.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "admit_http_requests_total", Help: "Requests answered, by route and class of status."}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "admit_http_request_seconds", Help: "Time from the request's arrival to the end of its handler.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}}, []string{"method", "route"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "admit_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.seconds, build)
	return m
}

var statusClasses = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Route resolves the series of one route beforehand.
func (m *Metrics) Route(method, pattern string) func(status int, seconds float64) {
	if pattern == "" {
		method, pattern = "any", "unmatched"
	}
	var counters [len(statusClasses)]prometheus.Counter
	for i, class := range statusClasses {
		counters[i] = m.requests.WithLabelValues(method, pattern, class)
	}
	histogram := m.seconds.WithLabelValues(method, pattern)
	return func(status int, seconds float64) {
		class := status / 100
		if class < 0 || class >= len(counters) {
			class = 0
		}
		counters[class].Inc()
		histogram.Observe(seconds)
	}
}

// Gauge adds a metric that is read when it is asked for, for example the age of the change feed.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Total adds a counter that is read when it is asked for.
func (m *Metrics) Total(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Counter adds a counter and returns how to raise it.
func (m *Metrics) Counter(name, help string) func() {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c.Inc
}

// Handler serves the metrics in the text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
