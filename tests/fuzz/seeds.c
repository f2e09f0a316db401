/* Writes what the fuzz targets begin with, a folder a target.
 *     seeds FOLDER */
#include "seeds.h"
#include <sys/stat.h>

int main(int argc, char **argv)
{
    char path[400];
    int i;
    if (argc != 2) return fputs("usage: seeds FOLDER\n", stderr), 2;
    mkdir(argv[1], 0777);
    seeds_make();
    for (i = 0; i < seeds_count; i++) {
        snprintf(path, sizeof path, "%.200s/%s", argv[1], seeds[i].target);
        mkdir(path, 0777);
        snprintf(path, sizeof path, "%.200s/%s/%d", argv[1], seeds[i].target, i);
        write_bytes(path, seeds[i].input.bytes, seeds[i].input.size);
    }
    return 0;
}
