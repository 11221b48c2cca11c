using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Training;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Training;

[Collection(ProcessSettings.Name)]
public sealed class RunArithmeticTests : IDisposable
{
    private static readonly TransformerConfig Config = new(96, 32, 2, 2, 1, 16, 48, 24);

    private readonly string _directory = Directory.CreateTempSubdirectory("arithmetic").FullName;

    [Fact]
    public void A_run_that_measures_goes_on_with_what_it_began_with()
    {
        RunArithmetic.Choose(Config, Context(Precision.Float32Packed));
        Assert.Equal(Precision.Float32Packed, RunArithmetic.Choose(Config, Context(Precision.Auto)).Arithmetic);
    }

    [Fact]
    public void What_the_recipe_names_wins_over_what_the_directory_says()
    {
        RunArithmetic.Choose(Config, Context(Precision.Float32Packed));
        Assert.Equal(Precision.Float32, RunArithmetic.Choose(Config, Context(Precision.Float32)).Arithmetic);
    }

    [Fact]
    public void A_file_that_names_no_arithmetic_is_an_error_with_a_way_out()
    {
        File.WriteAllText(Path.Combine(_directory, "arithmetic.json"), """{"precision":"fp4"}""");
        var error = Assert.Throws<UserErrorException>(() => RunArithmetic.Choose(Config, Context(Precision.Auto)));
        Assert.Contains("set training.precision, or delete the file to measure anew.", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private TrainingContext Context(Precision precision) =>
        new(_directory, 1, new TrainingRecipe(Precision: precision), new Progress<StageProgress>(), CancellationToken.None);
}
