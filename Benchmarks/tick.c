// What a process costs that wakes once a second and does nothing: the null measurement of an idle cycle.
#include <unistd.h>

int main(void) {
    for (;;) sleep(1);
}
