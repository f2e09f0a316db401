/* oneDNN's convolutions as a peer: its C interface, opened at run time. Where the compiler does
 * not find its header, or the machine not its library (version 2, libdnnl.so.2), there is no
 * such peer. Include after bench.h.
 *
 * The primitives get the layouts that they prefer; the reorders from and to ours are done before
 * and after the timing. They run on the threads of OpenMP, whose number is set here; where that
 * is GNU's library, they are the library's own. */
#ifndef ONEDNN_H
#define ONEDNN_H
#if defined(__has_include)
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#define HAVE_ONEDNN (DNNL_VERSION_MAJOR == 2)
#endif
#endif
#ifndef HAVE_ONEDNN
#define HAVE_ONEDNN 0
#endif

enum { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS, CONV_KERNELS };

/* What a convolution has: images, weights, bias and outputs, or the gradients towards them. */
enum { CONV_X, CONV_W, CONV_B, CONV_Y, CONV_ARRAYS };

/* Which of them a kernel writes first. */
static const int conv_result[CONV_KERNELS] = {CONV_Y, CONV_X, CONV_W};

typedef struct conv_arguments {
    fnn_context *context;
    fnn_window window;
    int kernel, filters, images, threads;
    size_t count[CONV_ARRAYS];
    fnn_real *arrays[CONV_ARRAYS];
} conv_arguments;

#if HAVE_ONEDNN
/* The functions taken from the library: one of the same name in the table for each. */
/* clang-format off */
#define ONEDNN_FUNCTIONS(X) \
    X(set_max_cpu_isa) X(engine_create) X(stream_create) X(stream_wait) X(memory_create) \
    X(memory_destroy) X(memory_desc_init_by_tag) X(primitive_desc_create) \
    X(primitive_desc_destroy) X(primitive_desc_query) X(primitive_desc_query_md) \
    X(primitive_create) X(primitive_destroy) X(primitive_execute) \
    X(reorder_primitive_desc_create) X(convolution_forward_desc_init) \
    X(convolution_backward_data_desc_init) X(convolution_backward_weights_desc_init)
/* clang-format on */

static struct {
#define X(name) __typeof__(dnnl_##name) *name;
    ONEDNN_FUNCTIONS(X)
#undef X
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} onednn;

/* One convolution, ready to be called. */
typedef struct onednn_conv {
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t memories[CONV_ARRAYS]; /* in the primitive's layouts; NULL: not wanted */
    dnnl_exec_arg_t arguments[CONV_ARRAYS];
    int argument_count;
} onednn_conv;

/* What the arrays are to each kernel; argument 0: nothing. */
static const struct {
    int argument;
    dnnl_query_t query;
} onednn_roles[CONV_KERNELS][CONV_ARRAYS] = {{{DNNL_ARG_SRC, dnnl_query_src_md},
                                              {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                                              {DNNL_ARG_BIAS, dnnl_query_undef},
                                              {DNNL_ARG_DST, dnnl_query_dst_md}},
                                             {{DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md},
                                              {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                                              {0, dnnl_query_undef},
                                              {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md}},
                                             {{DNNL_ARG_SRC, dnnl_query_src_md},
                                              {DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md},
                                              {DNNL_ARG_DIFF_BIAS, dnnl_query_undef},
                                              {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md}}};

/* Opens the library once; AVX2 is what it is told not to exceed where ours is. */
static int onednn_open(fnn_isa isa)
{
    static int opened = -1;
    if (opened >= 0) return opened;
    opened = 1;
#define X(name)                                                                           \
    onednn.name = (__typeof__(dnnl_##name) *)bench_symbol("libdnnl.so.2", "dnnl_" #name); \
    if (!onednn.name) opened = 0;
    ONEDNN_FUNCTIONS(X)
#undef X
    if (!opened) return 0;
    if (isa == FNN_ISA_AVX2) onednn.set_max_cpu_isa(dnnl_cpu_isa_avx2);
    opened = !onednn.engine_create(&onednn.engine, dnnl_cpu, 0) &&
             !onednn.stream_create(&onednn.stream, onednn.engine, dnnl_stream_default_flags);
    return opened;
}

/* The arrays as descriptors: in our layouts, or in any that the primitive likes. */
static void onednn_layouts(const conv_arguments *c, int any, dnnl_memory_desc_t *layouts)
{
    const fnn_window *w = &c->window;
    const dnnl_dims_t x = {c->images, w->channels, w->height, w->width};
    const dnnl_dims_t y = {c->images, c->filters, w->out_height, w->out_width};
    const dnnl_dims_t weights = {c->filters, w->channels, w->kernel_height, w->kernel_width};
    const dnnl_dims_t bias = {c->filters};
    onednn.memory_desc_init_by_tag(&layouts[CONV_X], 4, x, dnnl_f32,
                                   any ? dnnl_format_tag_any : dnnl_nhwc);
    onednn.memory_desc_init_by_tag(&layouts[CONV_W], 4, weights, dnnl_f32,
                                   any ? dnnl_format_tag_any : dnnl_hwio);
    onednn.memory_desc_init_by_tag(&layouts[CONV_B], 1, bias, dnnl_f32, dnnl_x);
    onednn.memory_desc_init_by_tag(&layouts[CONV_Y], 4, y, dnnl_f32,
                                   any ? dnnl_format_tag_any : dnnl_nhwc);
}

/* Padding behind the image: as much as the last window needs. */
static int onednn_behind(int length, int kernel, int stride, int before, int positions)
{
    const int behind = (positions - 1) * stride + kernel - length - before;
    return behind > 0 ? behind : 0;
}

/* The description of a kernel in its preferred layouts; forward is the hint for the others. */
static int onednn_describe(const conv_arguments *c, int kernel, dnnl_alg_kind_t algorithm,
                           dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *description)
{
    const fnn_window *w = &c->window;
    const dnnl_dims_t strides = {w->stride_height, w->stride_width};
    const dnnl_dims_t before = {w->pad_top, w->pad_left};
    const dnnl_dims_t behind = {
        onednn_behind(w->height, w->kernel_height, w->stride_height, w->pad_top, w->out_height),
        onednn_behind(w->width, w->kernel_width, w->stride_width, w->pad_left, w->out_width)};
    dnnl_memory_desc_t any[CONV_ARRAYS];
    dnnl_convolution_desc_t operation;
    dnnl_status_t status;
    onednn_layouts(c, 1, any);
    if (kernel == CONV_FORWARD)
        status = onednn.convolution_forward_desc_init(&operation, dnnl_forward_training, algorithm,
                                                      &any[CONV_X], &any[CONV_W], &any[CONV_B],
                                                      &any[CONV_Y], strides, before, behind);
    else if (kernel == CONV_BACKWARD_DATA)
        status = onednn.convolution_backward_data_desc_init(&operation, algorithm, &any[CONV_X],
                                                            &any[CONV_W], &any[CONV_Y], strides,
                                                            before, behind);
    else
        status = onednn.convolution_backward_weights_desc_init(
            &operation, algorithm, &any[CONV_X], &any[CONV_W], &any[CONV_B], &any[CONV_Y], strides,
            before, behind);
    return !status &&
           !onednn.primitive_desc_create(description, &operation, NULL, onednn.engine, forward);
}

static int onednn_reorder(dnnl_memory_t from, const dnnl_memory_desc_t *from_layout,
                          dnnl_memory_t to, const dnnl_memory_desc_t *to_layout)
{
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[2];
    int done;
    arguments[0].arg = DNNL_ARG_FROM;
    arguments[0].memory = from;
    arguments[1].arg = DNNL_ARG_TO;
    arguments[1].memory = to;
    if (onednn.reorder_primitive_desc_create(&description, from_layout, onednn.engine, to_layout,
                                             onednn.engine, NULL))
        return 0;
    done = !onednn.primitive_create(&primitive, description);
    onednn.primitive_desc_destroy(description);
    if (!done) return 0;
    done = !onednn.primitive_execute(primitive, onednn.stream, 2, arguments) &&
           !onednn.stream_wait(onednn.stream);
    onednn.primitive_destroy(primitive);
    return done;
}

/* Copies one of the arrays between our layout (x) and the primitive's. */
static int onednn_copy(const conv_arguments *c, const onednn_conv *o, int array, fnn_real *x,
                       int out)
{
    const dnnl_query_t query = onednn_roles[c->kernel][array].query;
    dnnl_memory_desc_t layouts[CONV_ARRAYS];
    const dnnl_memory_desc_t *own = &layouts[array], *theirs = own;
    dnnl_memory_t memory;
    int done;
    onednn_layouts(c, 0, layouts);
    if (query != dnnl_query_undef)
        theirs = onednn.primitive_desc_query_md(o->description, query, 0);
    if (onednn.memory_create(&memory, own, onednn.engine, x)) return 0;
    done = out ? onednn_reorder(o->memories[array], theirs, memory, own)
               : onednn_reorder(memory, own, o->memories[array], theirs);
    onednn.memory_destroy(memory);
    return done;
}

static void onednn_close(onednn_conv *o)
{
    int i;
    for (i = 0; i < CONV_ARRAYS; i++)
        if (o->memories[i]) onednn.memory_destroy(o->memories[i]);
    if (o->primitive) onednn.primitive_destroy(o->primitive);
    if (o->description) onednn.primitive_desc_destroy(o->description);
    memset(o, 0, sizeof *o);
}

/* The memory of each array in the layout that the description asks for, filled from ours. */
static int onednn_fill(const conv_arguments *c, onednn_conv *o)
{
    dnnl_memory_desc_t layouts[CONV_ARRAYS];
    int i;
    onednn_layouts(c, 0, layouts);
    for (i = 0; i < CONV_ARRAYS; i++) {
        const dnnl_query_t query = onednn_roles[c->kernel][i].query;
        const dnnl_memory_desc_t *layout = &layouts[i];
        if (!onednn_roles[c->kernel][i].argument) continue;
        if (query != dnnl_query_undef)
            layout = onednn.primitive_desc_query_md(o->description, query, 0);
        if (onednn.memory_create(&o->memories[i], layout, onednn.engine, DNNL_MEMORY_ALLOCATE) ||
            !onednn_copy(c, o, i, c->arrays[i], 0))
            return 0;
        o->arguments[o->argument_count].arg = onednn_roles[c->kernel][i].argument;
        o->arguments[o->argument_count++].memory = o->memories[i];
    }
    return 1;
}

static int onednn_make(const conv_arguments *c, dnnl_alg_kind_t algorithm, onednn_conv *o)
{
    dnnl_primitive_desc_t forward = NULL;
    int made = 1;
    memset(o, 0, sizeof *o);
    if (c->kernel != CONV_FORWARD)
        made = onednn_describe(c, CONV_FORWARD, algorithm, NULL, &forward);
    made = made && onednn_describe(c, c->kernel, algorithm, forward, &o->description);
    if (forward) onednn.primitive_desc_destroy(forward);
    made = made && !onednn.primitive_create(&o->primitive, o->description) && onednn_fill(c, o);
    if (!made) onednn_close(o);
    return made;
}

static void onednn_call(void *argument)
{
    const onednn_conv *o = (const onednn_conv *)argument;
    onednn.primitive_execute(o->primitive, onednn.stream, o->argument_count, o->arguments);
    onednn.stream_wait(onednn.stream);
}

static const char *onednn_implementation(const onednn_conv *o)
{
    const char *name = "";
    onednn.primitive_desc_query(o->description, dnnl_query_impl_info_str, 0, &name);
    return name;
}

/* Both of oneDNN's ways: direct, and what it takes by itself where that is another one
 * (Winograd's, which multiplies less often than any direct convolution). NULL: not there. Which of
 * them is the faster is for the timing to say. */
static void onednn_both(const conv_arguments *c, onednn_conv **direct, onednn_conv **automatic)
{
    static onednn_conv first, second;
    onednn_close(&first);
    onednn_close(&second);
    *direct = onednn_make(c, dnnl_convolution_direct, &first) ? &first : NULL;
    *automatic = onednn_make(c, dnnl_convolution_auto, &second) ? &second : NULL;
    if (*direct && *automatic &&
        strcmp(onednn_implementation(&first), onednn_implementation(&second)) == 0)
        *automatic = NULL;
}

/* Ends the bench where ours, which is in c, and the peer's results are not the same numbers. */
static void onednn_compare(const conv_arguments *c, onednn_conv *o, int array, fnn_real *theirs)
{
    double most = 0, error = 0;
    size_t i;
    onednn_call(o);
    if (!onednn_copy(c, o, array, theirs, 1)) error = 1;
    for (i = 0; i < c->count[array]; i++) {
        const double y = (double)theirs[i], difference = fabs((double)c->arrays[array][i] - y);
        if (fabs(y) > most) most = fabs(y);
        if (!(difference <= error)) error = difference;
    }
    if (most > 0 && error <= 1e-4 * most) return;
    fprintf(stderr, "bench: ours and onednn's differ by %g of %g\n", error, most);
    exit(1);
}

/* Compares and adds one of the two, if it is there. */
static void onednn_add(bench_run *run, const conv_arguments *c, onednn_conv *o, const char *name)
{
    const int array = conv_result[c->kernel];
    if (!o) return;
    onednn_compare(c, o, array, bench_reals(run, (ptrdiff_t)c->count[array]));
    if (c->kernel == CONV_BACKWARD_WEIGHTS)
        onednn_compare(c, o, CONV_B, bench_reals(run, (ptrdiff_t)c->count[CONV_B]));
    bench_add_peer(run, name, onednn_call, o);
}

/* Adds the peers to a case whose results are in c->arrays. */
static void onednn_peer(bench_run *run, const conv_arguments *c)
{
    typedef void (*set_threads_function)(int threads);
    set_threads_function set_threads =
        (set_threads_function)bench_symbol("libgomp.so.1", "omp_set_num_threads");
    onednn_conv *direct, *automatic;
    if (FNNI_REAL_IS_DOUBLE || !set_threads || !onednn_open(run->isa)) return;
    set_threads(run->threads);
    onednn_both(c, &direct, &automatic);
    onednn_add(run, c, direct, run->isa == FNN_ISA_AVX2 ? "onednn-avx2" : "onednn");
    onednn_add(run, c, automatic, run->isa == FNN_ISA_AVX2 ? "onednn-avx2-auto" : "onednn-auto");
}

/* Its name and version, or nothing where it is absent. */
static void onednn_version(char *text, size_t size)
{
    typedef const dnnl_version_t *(*version_function)(void);
    const version_function version = (version_function)bench_symbol("libdnnl.so.2", "dnnl_version");
    const dnnl_version_t *v = version ? version() : NULL;
    *text = 0;
    if (v) snprintf(text, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}
#else
static void onednn_peer(bench_run *run, const conv_arguments *c)
{
    (void)run, (void)c;
}

static void onednn_version(char *text, size_t size)
{
    (void)size;
    *text = 0;
}
#endif
#endif
