# The library needs no build: include fmnist_nn.h. This file runs what stands round it.
# CC and CFLAGS may be given: make demo CC=clang CFLAGS="-O3 -march=native"
CFLAGS ?= -O2
MPICC ?= mpicc
PREFIX ?= /usr/local
export CC

# -fopenmp where this compiler can both compile and link it, else nothing: one thread then.
OPENMP = $(shell mkdir -p build && echo 'int main(void) { return omp_get_max_threads() < 1; }' | \
    $(CC) -fopenmp -include omp.h -x c - -o build/openmp 2>/dev/null && echo -fopenmp)
COMPILE = $(CC) $(CFLAGS) $(OPENMP)
BENCH_ARGUMENTS = $(if $(ONLY),--only '$(ONLY)') $(if $(THREADS),--threads $(THREADS)) \
    $(if $(ISA),--isa $(ISA))

all: help

help:
	@echo 'CC=clang CFLAGS="-O3 -march=native" say by what programs are compiled, MPICC=mpicc those of'
	@echo 'mpi_*: behind any of these, as in make demo CC=clang'
	@echo
	@echo 'make demo             fetch the data, compile examples/demo.c with one cc line, run it'
	@echo 'make data             fetch Fashion-MNIST, unless this machine has it'
	@echo 'make examples         compile all examples into build/, but for the programs of the five'
	@echo '                      reports, which make reproduce compiles; those for several machines'
	@echo '                      (mpi_*) where there is mpicc, Open MPI'"'"'s compiler'
	@echo 'make web              the page of examples/web, a network that learns in the browser, into'
	@echo '                      build/web/ (clang, wasi-libc, libclang-rt-*-dev-wasm32, lld)'
	@echo 'make test-web         drives that page in Chromium (chromium, chromium-driver, nodejs)'
	@echo 'make reproduce        run the experiments of the reports without a result of this version:'
	@echo '                      a day on two cores (19 hours: aghaei-c*); writes RESULTS.md'
	@echo '                      and a page a report beside the programs;'
	@echo '                      QUICK=1: smaller, in twelve minutes, into build/quick/;'
	@echo '                      ONLY="jiang shi-l2": those whose names begin so;'
	@echo '                      THREADS=2 DATA=folder as the programs; SEEDS=5 too, into'
	@echo '                      build/seeds-5/; Ctrl-C leaves checkpoints for the next one;'
	@echo '                      RESULTS=build/mine: figures and pages into that folder, which'
	@echo '                      leaves examples/ alone'
	@echo 'make figures          draw their plots (gnuplot) into build/figures/, those that the'
	@echo '                      pages show into examples/figures/;'
	@echo '                      QUICK=1 or SEEDS=5: those of such runs, beside them'
	@echo 'make test             the tests under this compiler, on every instruction set this'
	@echo '                      machine has: about three minutes on two cores'
	@echo '                      (ONLY=test_gemm: those whose name contains this; below, too)'
	@echo 'make test-more        the other compilers, sanitizers, the bits of WebAssembly, smoke runs'
	@echo '                      of the examples: about eight minutes'
	@echo 'make test-machines    all tests that run on emulated NEON, WebAssembly, 32 bits, Windows,'
	@echo '                      in double, under UBSan of clang; options, small builds, make install,'
	@echo '                      MPI and what is long under sanitizers: a quarter of an hour; a whole'
	@echo '                      run leaves its figures in tests/machines.txt'
	@echo 'make test-exhaustive  all floats, all sizes, every compiler, standard and option, other'
	@echo '                      targets and tools (valgrind, MSan, TSan): hours'
	@echo 'make test-onnx        of these the tests of exported ONNX models alone: in NumPy and, after'
	@echo '                      make onnx-runtime, in ONNX Runtime'
	@echo 'make sweeps           of these the sweeps over all floats and sizes alone, in parts that'
	@echo '                      are run once: half an hour on two cores, Ctrl-C any time, the next'
	@echo '                      one goes on; ONLY=exhaustive_gemm; STATE=1: what is done and left;'
	@echo '                      complete ones are written into tests/exhaustive.txt'
	@echo 'make coverage         what of the header make test runs: lines, branches, functions and,'
	@echo '                      where clang is 18 or later, MC/DC, by room; fails below 97 % of the'
	@echo '                      lines, 90 % of the branches, or where the readers of files have an'
	@echo '                      untried branch without a reason: three minutes on two cores'
	@echo 'make mutants          breaks readers, files, losses and optimisers in one place at a'
	@echo '                      time: does a test fail? COUNT=200 places drawn with SEED=1; goes'
	@echo '                      on where it was stopped; RETRY=1: those that no test noticed,'
	@echo '                      again; after make coverage'
	@echo 'make fuzz             libFuzzer (clang) on every reader and on the API, a minute each;'
	@echo '                      corpora grow in build/fuzz/, runs add up in tests/fuzz/RESULTS.txt;'
	@echo '                      TARGET=idx SECONDS=600: one of them, for longer;'
	@echo '                      COVERAGE=1: how many lines of the readers the kept inputs reach'
	@echo 'make fuzz-merge       keeps the new inputs in tests/fuzz/corpus/, at most 110 a target'
	@echo 'make fuzz-control     that targets notice headers with a check taken out: half an hour'
	@echo 'make analyse          clang-tidy, cppcheck and gcc -fanalyzer over the library, where they'
	@echo '                      are; ONLY="cppcheck gcc"'
	@echo 'make bench            kernels and training steps beside their peers: bench/results/*.csv'
	@echo 'make bench-kernels    the kernels alone; ONLY=gemm THREADS=1 ISA=avx2 select rows'
	@echo 'make bench-train      the training steps alone; ONLY=mlp1 THREADS=1 ISA=avx2'
	@echo 'make bench-readme     the table of speed for README.md, from the last make bench;'
	@echo '                      WRITE=1 puts it there'
	@echo 'make compare          the same task in this and in other libraries, where they are'
	@echo '                      installed: the figures of bench/COMPARED.md; SMALL=1: whether it'
	@echo '                      works; ONLY="fann torch"; the page then stays as it is'
	@echo 'make bench-programs   whole programs by instruction set and threads (hyperfine);'
	@echo '                      PROGRAMS="demo quickstart" says which of the examples (demo)'
	@echo 'make install          the header, for pkg-config and CMake, below PREFIX=/usr/local (and'
	@echo '                      DESTDIR, if given); make uninstall removes it'
	@echo 'make onnx-runtime     fetch ONNX Runtime for Node.js (npm; 21 MB, 100 MB on disk) into'
	@echo '                      build/onnxruntime/, by which make test-onnx runs exported models'
	@echo 'make clean            remove build/'

data:
	@sh examples/get_data.sh

demo: data
	@mkdir -p build
	$(COMPILE) examples/demo.c -o build/demo -lm
	./build/demo

# The programs for several machines need MPI, which brings its own compiler command.
MPI_EXAMPLES = $(patsubst examples/%.c,build/%,$(wildcard examples/mpi_*.c))
examples: $(filter-out $(MPI_EXAMPLES),$(patsubst examples/%.c,build/%,$(wildcard examples/*.c)))
examples: $(if $(shell command -v $(MPICC)),$(MPI_EXAMPLES),no-mpi)

no-mpi:
	@echo 'not compiled, as there is no $(MPICC): $(MPI_EXAMPLES:build/%=examples/%.c)'
	@echo '(Debian has it in openmpi-bin and libopenmpi-dev)'

build/mpi_%: examples/mpi_%.c fmnist_nn.h build/flags
	OMPI_CC='$(CC)' $(MPICC) $(CFLAGS) $(OPENMP) $< -o $@ -lm

build/%: examples/%.c fmnist_nn.h $(wildcard examples/*.h) build/flags
	$(COMPILE) $< -o $@ -lm

# The page of examples/web: whichever clang makes WebAssembly here, and the data as they are.
WEB = index.html style.css page.js worker.js
WEB_FILES = train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1
web: data build/web/web.wasm
	@cp $(addprefix examples/web/,$(WEB)) build/web/
	@mkdir -p build/web/data
	@for file in $(WEB_FILES); do for folder in "$$FMNIST_DIR" data \
	    /usr/share/datasets/fashion-mnist; do \
	    if [ -f "$$folder/$$file-ubyte.gz" ]; then \
	        cp "$$folder/$$file-ubyte.gz" build/web/data/ || exit 1; break; \
	    elif [ -f "$$folder/$$file-ubyte" ]; then \
	        gzip -c "$$folder/$$file-ubyte" >build/web/data/$$file-ubyte.gz || exit 1; break; \
	    fi; done; [ -s build/web/data/$$file-ubyte.gz ] || exit 1; done
	@echo 'python3 -m http.server -d build/web    # then open http://localhost:8000'

build/web/web.wasm: examples/web/web.c fmnist_nn.h
	@mkdir -p build/web
	clang --target=wasm32-wasi -mexec-model=reactor -msimd128 -Os -s \
	    -Wl,-z,stack-size=1048576,--stack-first $< -lm -o $@

reproduce:
	@CFLAGS='$(CFLAGS)' QUICK='$(QUICK)' SEEDS='$(SEEDS)' THREADS='$(THREADS)' DATA='$(DATA)' \
	    bash examples/reproduce.sh $(ONLY)

# Where reproduce.sh wrote them, when not into examples/.
ELSEWHERE = $(if $(QUICK),build/quick,$(if $(SEEDS),build/seeds-$(SEEDS)))
figures:
	@bash examples/figures.sh $(if $(ELSEWHERE),$(ELSEWHERE) $(ELSEWHERE)/figures)

test test-more test-machines test-exhaustive:
	@bash tests/run.sh $@ $(ONLY)

test-web: web
	@bash tests/web.sh

test-onnx:
	@bash tests/onnx.sh

sweeps:
	@bash tests/sweeps.sh $(if $(STATE),--state) $(ONLY)

coverage:
	@bash tests/coverage.sh $(ONLY)

mutants:
	@COUNT='$(COUNT)' SEED='$(SEED)' RETRY='$(RETRY)' bash tests/mutants.sh

FUZZ = bash tests/fuzz/fuzz.sh
fuzz:
	@FUZZ_SECONDS='$(or $(SECONDS),60)' $(FUZZ) $(if $(COVERAGE),coverage,run) $(TARGET)
fuzz-merge fuzz-control:
	@$(FUZZ) $(@:fuzz-%=%) $(TARGET)

analyse:
	@bash tests/analyse.sh $(ONLY)

# Peers that are programs of their own: the one that opens OpenBLAS when it runs, and the other
# where oneDNN's C++ header is. Without the last flag gcc vectorises no loop with a square root.
PEER_FLAGS = -O3 -march=native -fno-math-errno
PEERS := build/openblas_mlp_step $(if $(shell command -v g++),$(if $(wildcard \
    /usr/include/oneapi/dnnl/dnnl.hpp /usr/local/include/oneapi/dnnl/dnnl.hpp), \
    build/onednn_cnn1_step))

bench: build/bench_kernels build/bench_train $(PEERS)
	@ONLY='$(ONLY)' THREADS='$(THREADS)' ISA='$(ISA)' bash bench/run.sh

bench-kernels: build/bench_kernels
	@./build/bench_kernels $(BENCH_ARGUMENTS)

bench-train: build/bench_train $(PEERS)
	@./build/bench_train $(BENCH_ARGUMENTS)

bench-readme:
	@bash bench/readme.sh $(if $(WRITE),--write)

compare:
	@CC='$(CC)' SMALL='$(SMALL)' ONLY='$(ONLY)' bash bench/compare.sh

PROGRAMS ?= demo
bench-programs: data $(addprefix build/,$(PROGRAMS))
	@THREADS='$(THREADS)' ISA='$(ISA)' bash bench/programs.sh $(PROGRAMS)

# The libraries compared with are opened at run time (-ldl), where they are there.
build/bench_%: bench/%.c fmnist_nn.h $(wildcard bench/*.h) build/flags
	$(COMPILE) $< -o $@ -lm -ldl

build/openblas_mlp_step: bench/peers/openblas_mlp_step.c build/flags Makefile
	-$(CC) $(PEER_FLAGS) $(OPENMP) $< -o $@ -lm -ldl

build/onednn_cnn1_step: bench/peers/onednn_cnn1_step.cpp build/flags Makefile
	-g++ $(PEER_FLAGS) -fopenmp $< -o $@ -ldnnl

onnx-runtime:
	npm install --prefix build/onnxruntime --no-save --no-audit --no-fund --ignore-scripts \
	    onnxruntime-web@1.20.1

# Changes when the compiler or its flags do, so that no bench runs what others made.
build/flags: FORCE
	@mkdir -p build
	@echo '$(CC) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS)' > $@

# What finds the header there: examples/packaging, whose files take the version from the header.
# Whoever may log in may read all of it, whatever the clone's files and the umask allow.
SHARE = $(DESTDIR)$(PREFIX)/share
install:
	umask 022 && \
	mkdir -p '$(DESTDIR)$(PREFIX)/include' '$(SHARE)/pkgconfig' '$(SHARE)/cmake/fmnist_nn' && \
	install -m 644 fmnist_nn.h '$(DESTDIR)$(PREFIX)/include/' && \
	install -m 644 examples/packaging/cmake/*.cmake '$(SHARE)/cmake/fmnist_nn/' && \
	version=$$(sed -n 's/^#define FNN_VERSION "\(.*\)"/\1/p' fmnist_nn.h) && \
	rm -f '$(SHARE)/pkgconfig/fmnist_nn.pc' && \
	sed "s/@VERSION@/$$version/" examples/packaging/fmnist_nn.pc.in \
	    > '$(SHARE)/pkgconfig/fmnist_nn.pc'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/include/fmnist_nn.h' '$(SHARE)/pkgconfig/fmnist_nn.pc'
	rm -rf '$(SHARE)/cmake/fmnist_nn'

clean:
	rm -rf build

.PHONY: all help data demo examples no-mpi web onnx-runtime reproduce figures clean FORCE
.PHONY: test test-more test-machines test-exhaustive test-web test-onnx sweeps install uninstall
.PHONY: coverage mutants fuzz fuzz-merge fuzz-control analyse
.PHONY: bench bench-kernels bench-train bench-readme bench-programs compare
