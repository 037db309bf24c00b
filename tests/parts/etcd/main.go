// Command etcd is etcd's own server; a wrapper because its module cannot be built by its path.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
