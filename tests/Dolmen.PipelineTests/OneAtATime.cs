// Each of these tests starts whole programs that use every core: side by side they would only slow each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
