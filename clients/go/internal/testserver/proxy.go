package testserver

import (
	"io"
	"net"
	"sync"
)

// Proxy is a way to a server that can be broken.
type Proxy struct {
	Address string

	target   string
	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	// Closed when answers may pass.
	passing chan struct{}
}

// NewProxy leads to the target until Close is called.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		Address: listener.Addr().String(), target: target, listener: listener,
		open: map[net.Conn]bool{}, passing: make(chan struct{}),
	}
	close(p.passing)
	p.running.Go(p.accept)
	return p, nil
}

// HoldAnswers lets nothing more through to the client.
func (p *Proxy) HoldAnswers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passing = make(chan struct{})
}

// Cut breaks all connections, with what is held in them, and lets new ones pass.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for connection := range p.open {
		connection.Close()
	}
	select {
	case <-p.passing:
	default:
		close(p.passing)
	}
}

// Close ends it.
func (p *Proxy) Close() {
	p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		p.running.Go(func() { p.pipe(server, client, false) })
		p.running.Go(func() { p.pipe(client, server, true) })
	}
}

func (p *Proxy) pipe(to, from net.Conn, isAnswer bool) {
	defer p.drop(to, from)
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if isAnswer {
			p.mu.Lock()
			passing := p.passing
			p.mu.Unlock()
			<-passing
		}
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

func (p *Proxy) drop(connections ...io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, each := range connections {
		each.Close()
		delete(p.open, each.(net.Conn))
	}
}
