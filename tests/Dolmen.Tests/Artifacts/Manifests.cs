using Dolmen.Artifacts;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Artifacts;

public sealed class Manifests : IDisposable
{
    private readonly TemporaryFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    internal static Manifest Of(string identity, params ManifestFile[] files) =>
        new(
            "stage",
            identity,
            [],
            files,
            "recipe",
            1,
            null,
            MachineSnapshot.Take(),
            1,
            new EnergyEstimate(1, "assumed"),
            1
        );

    [Fact]
    public void A_directory_is_complete_for_its_own_identity_alone()
    {
        File.WriteAllText(At("a.txt"), "a");
        Of("mine", [.. Manifest.FilesOf(_temp.Path)]).Write(_temp.Path);
        Assert.True(Manifest.IsComplete(_temp.Path, "mine"));
        Assert.False(Manifest.IsComplete(_temp.Path, "other"));
        Assert.False(Manifest.IsComplete(At("nowhere"), "mine"));
    }

    [Fact]
    public void Missing_longer_and_changed_files_are_damage()
    {
        File.WriteAllText(At("a.txt"), "a");
        var manifest = Of("mine", [.. Manifest.FilesOf(_temp.Path)]);
        Assert.Null(manifest.Damage(_temp.Path));
        File.WriteAllText(At("a.txt"), "b");
        Assert.Equal("a.txt has other contents", manifest.Damage(_temp.Path));
        File.WriteAllText(At("a.txt"), "aa");
        Assert.Equal("a.txt has another size", manifest.Damage(_temp.Path));
        File.Delete(At("a.txt"));
        Assert.Equal("a.txt is missing", manifest.Damage(_temp.Path));
    }

    [Fact]
    public void A_manifest_that_names_files_outside_is_damaged() =>
        Assert.Equal("../a.txt lies outside", Of("mine", new ManifestFile("../a.txt", 1, "")).Damage(_temp.Path));

    [Fact]
    public void A_manifest_cut_short_counts_as_none()
    {
        File.WriteAllText(At(Manifest.FileName), "{\"stage\":\"corpus\",");
        Assert.Null(Manifest.Read(_temp.Path));
    }

    [Fact]
    public void Checkpoints_and_half_written_files_are_no_outputs()
    {
        Directory.CreateDirectory(At("checkpoints"));
        foreach (var file in new[] { "model.bin", "checkpoints/step-1", "model.bin.partial", Manifest.FileName })
            File.WriteAllText(At(file), "x");
        Assert.Equal(["model.bin"], Manifest.FilesOf(_temp.Path).Select(file => file.Path));
    }

    [Fact]
    public void An_identity_changes_with_each_of_its_parts()
    {
        static string Identity(string stage = "s", string recipe = "r", ulong seed = 1, string input = "i") =>
            Manifest.IdentityOf(stage, recipe, seed, new Dictionary<string, string> { ["corpus"] = input });
        string[] all = [Identity(), Identity(stage: "t"), Identity(recipe: "q"), Identity(seed: 2), Identity(input: "j")];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void A_folders_hash_depends_on_names_and_bytes_and_not_on_the_order_of_writing()
    {
        string Write(string folder, params (string Name, string Text)[] files)
        {
            Directory.CreateDirectory(Path.Combine(At(folder), "sub"));
            foreach (var (name, text) in files) File.WriteAllText(Path.Combine(At(folder), name), text);
            return ContentHash.Of(At(folder));
        }
        var first = Write("1", ("a", "x"), ("sub/b", "y"));
        Assert.Equal(first, Write("2", ("sub/b", "y"), ("a", "x")));
        Assert.NotEqual(first, Write("3", ("a", "y"), ("sub/b", "x")));
        Assert.NotEqual(first, Write("4", ("a", "x"), ("sub/c", "y")));
    }

    private string At(string name) => Path.Combine(_temp.Path, name);
}
