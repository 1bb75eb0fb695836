#define CAF_SUITE docker.single_use
#include "test/docker/docker_fixture.hpp"
CAF_TEST(placeholder) {
  CAF_CHECK(true);
}
