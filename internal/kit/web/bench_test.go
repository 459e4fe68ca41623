package web

import (
	"bufio"
	"net"
	"net/http"
	"testing"
)

const checkPath = "/v1/users/u_1/resources/documents%2Fd_1/permissions/read"

func answer(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

type bare struct{}

func (bare) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

func hotRouter(b *testing.B) *Router {
	routes := testRoutes()
	for i := range routes {
		if routes[i].Pattern == "/v1/users/{userId}/resources/{resourceUri***}/permissions/{permission}" {
			routes[i].Hot, routes[i].Limit, routes[i].Handler = true, LimitNone, answer
		}
	}
	rt, err := NewRouter(deps(), routes)
	if err != nil {
		b.Fatal(err)
	}
	return rt
}

// BenchmarkChain is what the chain costs a permission check, without a network.
func BenchmarkChain(b *testing.B) {
	rt := hotRouter(b)
	r, _ := http.NewRequest("GET", checkPath, nil)
	r.Host, r.RequestURI, r.RemoteAddr = "a.example", checkPath, "192.0.2.7:4711"
	r.Header.Set("Authorization", good)
	b.ReportAllocs()
	for b.Loop() {
		rt.ServeHTTP(&discard{http.Header{}}, r)
	}
}

// BenchmarkOverHTTP compares a check through the chain with a bare net/http handler, on one
// keep-alive connection.
func BenchmarkOverHTTP(b *testing.B) {
	for name, h := range map[string]http.Handler{"floor": bare{}, "chain": hotRouter(b)} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			s := NewServer(h, deps().Log)
			go s.Serve(listener{l})
			defer s.Close()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			br := bufio.NewReader(c)
			request := []byte("GET " + checkPath + " HTTP/1.1\r\nHost: a.example\r\nAuthorization: " + good + "\r\n\r\n")
			b.ReportAllocs()
			for b.Loop() {
				c.Write(request)
				for {
					line, err := br.ReadSlice('\n')
					if err != nil {
						b.Fatal(err)
					}
					if len(line) == 2 {
						break
					}
				}
			}
		})
	}
}
