// make build/onednn_cnn1_step
// echo 20 | OMP_NUM_THREADS=2 build/onednn_cnn1_step 100 direct
//
// A peer of bench/train.c: the training step of cnn1 (conv 3x3x32 same, pool, conv 3x3x64 same,
// pool, 128, 128, 10, ReLU, softmax cross-entropy, Adam) composed of oneDNN's primitives in the
// layouts that they prefer, ReLU fused into the forward products. Its arguments are the batch and
// the algorithm of the two convolutions:
//     direct
//     auto     what oneDNN chooses, which may be Winograd's
//     mixed    direct for the first one, for which oneDNN's choice is ten times slower
// For each number that it reads it takes so many steps and prints the seconds they took.
//
// It is spared what the library's step includes besides: the batch, random numbers, is never
// gathered nor converted from bytes.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using tag = memory::format_tag;

namespace
{

constexpr int classes = 10;
constexpr auto f32 = memory::data_type::f32;

struct operation {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
};

struct parameter {
    memory values, gradient;
    std::vector<float> m, v; // Adam's moments
};

float *floats(const memory &x)
{
    return static_cast<float *>(x.get_data_handle());
}

size_t count(const memory &x)
{
    return x.get_desc().get_size() / sizeof(float);
}

class step
{
  public:
    step(int batch, algorithm first, algorithm second);
    void run();

  private:
    // From the gradient towards a layer's output to that towards its input: appends the layer's
    // operations to backward_.
    using backward = std::function<memory(memory)>;

    memory make(const memory::desc &layout) const;
    memory reordered(std::vector<operation> &list, memory x, const memory::desc &layout) const;
    void add_parameter(memory values, memory gradient);
    memory relu_gradient(memory output, memory gradient);
    void weights_gradient(memory made, memory wanted);
    template <class Forward, class ToWeights, class ToData>
    void product(const typename Forward::primitive_desc &forward,
                 const typename ToWeights::primitive_desc &to_weights,
                 const typename ToData::primitive_desc &to_data, bool relu);
    void convolution(int channels, int size, int filters, algorithm kind);
    void max_pool(int channels, int size);
    void dense(memory::dims input, int units, bool relu);
    void loss();
    void adam();

    int batch_, steps_ = 0;
    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
    memory x_; // the output of the last layer so far
    memory loss_gradient_;
    bool first_ = true; // the first layer's input wants no gradient
    std::vector<operation> forward_, backward_;
    std::vector<backward> layers_;
    std::vector<parameter> parameters_;
};

memory step::make(const memory::desc &layout) const
{
    memory x(layout, engine_);
    float *values = floats(x);
    for (size_t i = 0; i < count(x); i++)
        values[i] = float((i * 2654435761u >> 8) % 1000) * 1e-4f - .05f;
    return x;
}

// x in another layout, by an operation at the end of the list; x itself where it has that layout.
memory step::reordered(std::vector<operation> &list, memory x, const memory::desc &layout) const
{
    if (x.get_desc() == layout) return x;
    memory y(layout, engine_);
    list.push_back({dnnl::reorder(x, y), {{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, y}}});
    return y;
}

void step::add_parameter(memory values, memory gradient)
{
    const std::vector<float> zeros(count(values), 0);
    parameters_.push_back({values, gradient, zeros, zeros});
}

// The gradient before ReLU, which was fused into the product that made this output.
memory step::relu_gradient(memory output, memory gradient)
{
    const auto kind = algorithm::eltwise_relu_use_dst_for_bwd;
    const memory::desc layout = output.get_desc();
    const dnnl::eltwise_forward::primitive_desc hint(
        {prop_kind::forward_training, kind, layout, 0, 0}, engine_);
    const dnnl::eltwise_backward::primitive_desc relu({kind, layout, layout, 0, 0}, engine_, hint);
    memory before(layout, engine_);
    backward_.push_back({dnnl::eltwise_backward(relu),
                         {{DNNL_ARG_DST, output},
                          {DNNL_ARG_DIFF_DST, reordered(backward_, gradient, layout)},
                          {DNNL_ARG_DIFF_SRC, before}}});
    return before;
}

// Brings a gradient into the layout of its weights, where the two differ.
void step::weights_gradient(memory made, memory wanted)
{
    if (made.get_desc() == wanted.get_desc()) return;
    backward_.push_back(
        {dnnl::reorder(made, wanted), {{DNNL_ARG_FROM, made}, {DNNL_ARG_TO, wanted}}});
}

dnnl::primitive_attr with_relu()
{
    dnnl::primitive_attr attributes;
    dnnl::post_ops after;
    after.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    attributes.set_post_ops(after);
    return attributes;
}

// A layer that multiplies by weights: the three primitives and their memory.
template <class Forward, class ToWeights, class ToData>
void step::product(const typename Forward::primitive_desc &forward,
                   const typename ToWeights::primitive_desc &to_weights,
                   const typename ToData::primitive_desc &to_data, bool relu)
{
    const memory input = reordered(forward_, x_, forward.src_desc());
    const memory weights = make(forward.weights_desc()), bias = make(forward.bias_desc());
    const memory output(forward.dst_desc(), engine_);
    const memory dw = make(weights.get_desc()), db = make(bias.get_desc());
    const bool first = first_;
    forward_.push_back({Forward(forward),
                        {{DNNL_ARG_SRC, input},
                         {DNNL_ARG_WEIGHTS, weights},
                         {DNNL_ARG_BIAS, bias},
                         {DNNL_ARG_DST, output}}});
    add_parameter(weights, dw);
    add_parameter(bias, db);
    layers_.push_back([=](memory gradient) {
        const memory before = relu ? relu_gradient(output, gradient) : gradient;
        const memory src = reordered(backward_, input, to_weights.src_desc());
        const memory dst = reordered(backward_, before, to_weights.diff_dst_desc());
        const memory made = dw.get_desc() == to_weights.diff_weights_desc()
                                ? dw
                                : memory(to_weights.diff_weights_desc(), engine_);
        backward_.push_back({ToWeights(to_weights),
                             {{DNNL_ARG_SRC, src},
                              {DNNL_ARG_DIFF_DST, dst},
                              {DNNL_ARG_DIFF_WEIGHTS, made},
                              {DNNL_ARG_DIFF_BIAS, db}}});
        weights_gradient(made, dw);
        if (first) return before;
        const memory w2 = reordered(backward_, weights, to_data.weights_desc());
        const memory d2 = reordered(backward_, before, to_data.diff_dst_desc());
        const memory dx(to_data.diff_src_desc(), engine_);
        backward_.push_back(
            {ToData(to_data),
             {{DNNL_ARG_DIFF_DST, d2}, {DNNL_ARG_WEIGHTS, w2}, {DNNL_ARG_DIFF_SRC, dx}}});
        return dx;
    });
    first_ = false;
    x_ = output;
}

void step::convolution(int channels, int size, int filters, algorithm kind)
{
    const memory::desc x({batch_, channels, size, size}, f32, tag::any);
    const memory::desc y({batch_, filters, size, size}, f32, tag::any);
    const memory::desc w({filters, channels, 3, 3}, f32, tag::any), b({filters}, f32, tag::a);
    const memory::dims stride = {1, 1}, padding = {1, 1};
    using forward = dnnl::convolution_forward;
    using to_weights = dnnl::convolution_backward_weights;
    using to_data = dnnl::convolution_backward_data;
    const forward::primitive_desc made(
        {prop_kind::forward_training, kind, x, w, b, y, stride, padding, padding}, with_relu(),
        engine_);
    product<forward, to_weights, to_data>(
        made, {{kind, x, w, b, y, stride, padding, padding}, engine_, made},
        {{kind, x, w, y, stride, padding, padding}, engine_, made}, true);
}

void step::max_pool(int channels, int size)
{
    const memory input = x_;
    const memory::desc x = input.get_desc();
    const memory::desc y({batch_, channels, size / 2, size / 2}, f32, tag::any);
    const memory::dims window = {2, 2}, none = {0, 0};
    const dnnl::pooling_forward::primitive_desc pool(
        {prop_kind::forward_training, algorithm::pooling_max, x, y, window, window, none, none},
        engine_);
    const memory output(pool.dst_desc(), engine_), places(pool.workspace_desc(), engine_);
    const dnnl::pooling_backward::primitive_desc unpool(
        {algorithm::pooling_max, x, output.get_desc(), window, window, none, none}, engine_, pool);
    forward_.push_back(
        {dnnl::pooling_forward(pool),
         {{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, output}, {DNNL_ARG_WORKSPACE, places}}});
    layers_.push_back([=](memory gradient) {
        const memory dx(x, engine_), dy = reordered(backward_, gradient, output.get_desc());
        backward_.push_back(
            {dnnl::pooling_backward(unpool),
             {{DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_WORKSPACE, places}, {DNNL_ARG_DIFF_SRC, dx}}});
        return dx;
    });
    x_ = output;
}

void step::dense(memory::dims input_sizes, int units, bool relu)
{
    memory::dims weight_sizes = input_sizes;
    weight_sizes[0] = units;
    // What a convolution made is taken as it lies.
    const memory::desc x =
        input_sizes.size() == 4 ? x_.get_desc() : memory::desc(input_sizes, f32, tag::any);
    const memory::desc y({batch_, units}, f32, tag::nc), b({units}, f32, tag::a);
    const memory::desc w(weight_sizes, f32, tag::any);
    using forward = dnnl::inner_product_forward;
    using to_weights = dnnl::inner_product_backward_weights;
    using to_data = dnnl::inner_product_backward_data;
    const forward::primitive_desc made({prop_kind::forward_training, x, w, b, y},
                                       relu ? with_relu() : dnnl::primitive_attr(), engine_);
    product<forward, to_weights, to_data>(made, {{x, w, b, y}, engine_, made},
                                          {{x, w, y}, engine_, made}, relu);
}

step::step(int batch, algorithm first, algorithm second) : batch_(batch)
{
    x_ = make(memory::desc({batch, 1, 28, 28}, f32, tag::nchw));
    convolution(1, 28, 32, first);
    max_pool(32, 28);
    convolution(32, 14, 64, second);
    max_pool(64, 14);
    dense({batch, 64, 7, 7}, 128, true);
    dense({batch, 128}, 128, true);
    dense({batch, 128}, classes, false);
    loss_gradient_ = memory(x_.get_desc(), engine_);
    memory gradient = loss_gradient_;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer)
        gradient = (*layer)(gradient);
}

// The gradient of the mean cross-entropy of softmax; image i is of class i % 10.
void step::loss()
{
    for (int i = 0; i < batch_; i++) {
        const float *z = floats(x_) + i * classes;
        float *d = floats(loss_gradient_) + i * classes, most = z[0], sum = 0;
        for (int j = 1; j < classes; j++) most = fmaxf(most, z[j]);
        for (int j = 0; j < classes; j++) sum += d[j] = expf(z[j] - most);
        for (int j = 0; j < classes; j++)
            d[j] = (d[j] / sum - float(j == i % classes)) / float(batch_);
    }
}

void step::adam()
{
    const float correction1 = 1 - powf(.9f, float(steps_));
    const float correction2 = 1 - powf(.999f, float(steps_));
    for (parameter &p : parameters_) {
        float *w = floats(p.values), *g = floats(p.gradient), *m = p.m.data(), *v = p.v.data();
        const long n = long(p.m.size());
#pragma omp parallel for simd
        for (long i = 0; i < n; i++) {
            m[i] = .9f * m[i] + .1f * g[i];
            v[i] = .999f * v[i] + .001f * g[i] * g[i];
            w[i] -= 1e-5f * (m[i] / correction1) / (sqrtf(v[i] / correction2) + 1e-7f);
        }
    }
}

void step::run()
{
    for (operation &o : forward_) o.primitive.execute(stream_, o.arguments);
    stream_.wait();
    loss();
    for (operation &o : backward_) o.primitive.execute(stream_, o.arguments);
    stream_.wait();
    steps_++;
    adam();
}

} // namespace

int main(int argc, char **argv)
{
    using clock = std::chrono::steady_clock;
    const std::string name = argc > 2 ? argv[2] : "direct";
    const auto direct = algorithm::convolution_direct, automatic = algorithm::convolution_auto;
    if (name != "direct" && name != "auto" && name != "mixed") {
        fprintf(stderr, "%s: expected direct, auto or mixed\n", name.c_str());
        return 2;
    }
    step s(argc > 1 ? atoi(argv[1]) : 100, name == "auto" ? automatic : direct,
           name == "direct" ? direct : automatic);
    int steps;
    while (scanf("%d", &steps) == 1) {
        const auto start = clock::now();
        for (int i = 0; i < steps; i++) s.run();
        const double seconds = std::chrono::duration<double>(clock::now() - start).count();
        if (printf("%.9f\n", seconds) < 0 || fflush(stdout)) return 1;
    }
}
