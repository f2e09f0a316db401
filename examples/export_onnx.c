/* Writes a model as ONNX, for programs in other languages, browsers and phones.
 *
 *     cc -O2 -fopenmp examples/export_onnx.c -o export_onnx -lm
 *     ./export_onnx model.safetensors -o net.onnx
 *
 * Then, in Python: onnxruntime.InferenceSession("net.onnx").run(None, {"input": x}), where x are
 * floats (N, channels, height, width), pixels from 0 to 255. --help says more. */
#define FMNIST_NN_IMPLEMENTATION
#include "../fmnist_nn.h"
#include "export_plan.h"
#include "export_onnx.h"

static const char usage[] =
    "usage: export_onnx MODEL.safetensors -o FILE.onnx\n"
    "\n"
    "Writes a model of fmnist_nn as ONNX (operator set 13, IR version 7), which ONNX Runtime and\n"
    "others run in Python, JavaScript, C#, on phones and in browsers. The model has\n"
    "\n"
    "  input    floats (N, channels, height, width), such as (N, 1, 28, 28), for images, and\n"
    "           (N, columns) for tables; N samples at once, as many as you like.\n"
    "           Numbers as they were in the data: pixels from 0 to 255, columns in their unit.\n"
    "           What the network needs done to them (a division by 255, means) is in the model.\n"
    "  output   floats (N, outputs), what fnn_predict gives: probabilities of classes if the\n"
    "           network ends in softmax or sigmoid, numbers in the targets' unit of a regression.\n"
    "           (N, channels, height, width) if it ends in a convolution or a pool.\n"
    "\n"
    "and as its metadata \"shape\", \"classes\" and \"features\", the names if there are any, in "
    "JSON.\n"
    "fmnist_nn keeps channels last: numbers of one of its colour images are to be reordered for\n"
    "input. Dropout is left out; batch norms are part of the weights before them where they can "
    "be.\n"
    "\n"
    "In Python (pip install onnxruntime), images a NumPy array of bytes (N, 28, 28):\n"
    "  session = onnxruntime.InferenceSession(\"net.onnx\")\n"
    "  x = images.reshape(-1, 1, 28, 28).astype(\"float32\")\n"
    "  probabilities = session.run(None, {\"input\": x})[0]\n"
    "In JavaScript (npm install onnxruntime-web):\n"
    "  const session = await ort.InferenceSession.create(\"net.onnx\");\n"
    "  const input = new ort.Tensor(\"float32\", pixels, [1, 1, 28, 28]);\n"
    "  const probabilities = (await session.run({input})).output.data;\n";

/* "(N, 1, 28, 28)" */
static const char *shape_text(char text[60], const int *shape)
{
    if (shape[0] * shape[1] == 1) snprintf(text, 60, "(N, %d)", shape[2]);
    else snprintf(text, 60, "(N, %d, %d, %d)", shape[2], shape[0], shape[1]);
    return text;
}

int main(int argc, char **argv)
{
    const char *path = NULL, *output = NULL;
    char from[60], to[60];
    int in[3], out[3];
    fnn_error error;
    program_name = "export_onnx";
    for (int i = 1; i < argc; i++) {
        const char **value = !strcmp(argv[i], "-o") ? &output : &path;
        if (!strcmp(argv[i], "--help")) return fputs(usage, stdout), program_end();
        if (value == &output && !argv[++i]) program_fail("-o: a value is missing");
        if (value == &path && argv[i][0] == '-') program_fail("unknown option %s", argv[i]);
        if (*value) program_fail("expected one model and one -o, found %s too", argv[i]);
        *value = argv[i];
    }
    if (!path || !output) program_fail("expected a model and -o FILE.onnx; --help tells more");
    check_output(output, path);
    const fnn_model *m = fnn_load(path, NULL, &error);
    if (!m) program_fail("%s", error.message);

    const plan p = plan_of(m);
    exporter g;
    memset(&g, 0, sizeof g);
    g.model = m, g.p = &p;
    const message onnx = onnx_of(&g);
    FILE *file = begin_file(output);
    fwrite(onnx.at, 1, onnx.size, file);
    end_file(file);
    fnn_shapes(m, in, out);
    printf("%s: %d nodes, %.0f constants, input %s, output %s\n", output, g.nodes, g.constants,
           shape_text(from, in), shape_text(to, out));
    return program_end();
}
