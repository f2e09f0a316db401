/* The task of bench/compare.sh in darknet: see task.h. Networks are told in a file of its own,
 * which this program writes. It takes the images in the files' order. */
#include "idx.h"
#include "task.h"
#include <darknet.h>
#include <unistd.h>

static const char head[] = "[net]\nbatch=%d\nsubdivisions=1\nwidth=28\nheight=28\nchannels=1\n"
                           "learning_rate=%g\npolicy=constant\nmomentum=0\ndecay=0\n"
                           "max_batches=1000000000\n";
static const char conv[] = "[convolutional]\nfilters=%d\nsize=3\nstride=1\npad=1\nactivation=relu\n"
                           "[maxpool]\nsize=2\nstride=2\n";
static const char dense[] = "[connected]\noutput=%d\nactivation=%s\n";

static network *make_network(const task *t)
{
    char path[] = "/tmp/darknet-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    if (!f) return NULL;
    fprintf(f, head, t->batch, t->rate);
    if (t->cnn1) {
        fprintf(f, conv, 32);
        fprintf(f, conv, 64);
        fprintf(f, dense, 128, "relu");
    }
    fprintf(f, dense, 128, "relu");
    fprintf(f, dense, CLASSES, "linear");
    fprintf(f, "[softmax]\n");
    fclose(f);
    network *net = parse_network_cfg(path);
    unlink(path);
    return net;
}

static data read_set(const char *folder, const char *images, const char *labels)
{
    int count;
    unsigned char *x = idx_images(folder, images, &count), *y = idx_labels(folder, labels, &count);
    data set;
    memset(&set, 0, sizeof set);
    set.X = make_matrix(count, PIXELS);
    set.y = make_matrix(count, CLASSES);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < PIXELS; j++) set.X.vals[i][j] = x[PIXELS * i + j] / 255.f;
        set.y.vals[i][y[i]] = 1;
    }
    free(x);
    free(y);
    return set;
}

int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    data train = read_set(t.folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    data test = read_set(t.folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    srand(t.seed);
    network *net = make_network(&t);
    if (!net) return 1;
    task_loaded(&t);
    for (int epoch = 0; epoch < t.epochs; epoch++) train_network(net, train);
    task_trained(&t);

    set_batch_network(net, 1);
    long right = 0;
    for (int i = 0; i < test.X.rows; i++)
        right += test.y.vals[i][max_index(network_predict(net, test.X.vals[i]), CLASSES)] > 0;
    task_report(&t, train.X.rows, test.X.rows, right);
    free_network(net);
    free_data(train);
    free_data(test);
    return 0;
}
