#define CAF_SUITE services.operations
#include "test/services/dispatcher_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(operations_tests, dispatcher_fixture)

CAF_TEST(an operation can be cancelled and asked for by name) {
  const auto operations = stub<longrunning::Operations>();
  longrunning::CancelOperationRequest order;
  google::protobuf::Empty nothing;
  client_context calls[4];
  CAF_CHECK(operations->CancelOperation(&calls[0], order, &nothing).error_code()
            == grpc::StatusCode::NOT_FOUND);
  order.set_name("known");
  CAF_CHECK(operations->CancelOperation(&calls[1], order, &nothing).ok());
  longrunning::GetOperationRequest question;
  longrunning::Operation operation;
  CAF_CHECK(operations->GetOperation(&calls[2], question, &operation).error_code()
            == grpc::StatusCode::NOT_FOUND);
  question.set_name("known");
  CAF_CHECK(operations->GetOperation(&calls[3], question, &operation).ok());
  CAF_CHECK_EQUAL(operation.name(), "known");
  CAF_CHECK(metadata_of(operation).stage() == reapi::ExecutionStage::EXECUTING);
}

CAF_TEST(the other operations are refused in words) {
  const auto operations = stub<longrunning::Operations>();
  client_context calls[3];
  longrunning::ListOperationsResponse list;
  longrunning::Operation operation;
  google::protobuf::Empty nothing;
  for (const auto& status : {operations->ListOperations(&calls[0], {}, &list),
                             operations->WaitOperation(&calls[1], {}, &operation),
                             operations->DeleteOperation(&calls[2], {}, &nothing)}) {
    CAF_CHECK(status.error_code() == grpc::StatusCode::UNIMPLEMENTED);
    CAF_CHECK(contains(status.error_message(), "not offered"));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
