using System.Diagnostics;
using System.Text.Json;

namespace Dolmen.PipelineTests;

public sealed class ModelFolders : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The sizes of Jamba's first release, 52 billion parameters of which a token meets 12 (Lieber et al. 2024).</summary>
    [Fact]
    public void A_configuration_alone_says_what_fits_into_memory()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), """
            {"model_type":"jamba","vocab_size":65536,"hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,
            "intermediate_size":14336,"max_position_embeddings":262144,"num_experts":16,"num_experts_per_tok":2,"attn_layer_period":8,
            "attn_layer_offset":4,"expert_layer_period":2,"expert_layer_offset":1,"mamba_d_state":16,"mamba_d_conv":4,"mamba_expand":2,
            "mamba_dt_rank":256,"mamba_conv_bias":true,"mamba_proj_bias":false,"tie_word_embeddings":false}
            """);
        var result = CommandLine.Run("model", "info", _folder, "--memory", "80GB", "--json");
        Assert.Equal(0, result.ExitCode);
        using var info = JsonDocument.Parse(result.Output);
        Assert.False(info.RootElement.GetProperty("hasWeights").GetBoolean());
        Assert.InRange(info.RootElement.GetProperty("parameters").GetInt64(), 51e9, 52e9);
        Assert.InRange(info.RootElement.GetProperty("activeParameters").GetInt64(), 11e9, 13e9);
        var longest = info.RootElement.GetProperty("memory").EnumerateArray()
            .ToDictionary(need => need.GetProperty("dtype").GetString() ?? "", need => need.GetProperty("largestContext").GetInt32());
        Assert.Equal(0, longest["bfloat16"]);                            // the weights alone are 103 GB
        Assert.InRange(longest["Q8_0"], 1_000_000, 2_000_000);           // four attention layers of 8 × 128 keys and values: 16 KiB a token
    }

    [Fact]
    public void An_unreadable_amount_of_memory_is_refused()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"mamba"}""");
        var result = CommandLine.Run("model", "info", _folder, "--memory", "plenty");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("80GB or 16GiB", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model", "info", "FOLDER")]
    [InlineData("generate", "--model", "FOLDER", "--prompt", "a")]
    [InlineData("recipe", "check", "FOLDER/config.json")]
    public void A_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(params string[] command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes have paths on Linux");
        using (var made = Process.Start("mkfifo", [Path.Combine(_folder, "config.json")])) made.WaitForExit();
        var result = CommandLine.Run([.. command.Select(word => word.Replace("FOLDER", _folder, StringComparison.Ordinal))]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("config.json is a named pipe, and only regular files are read", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_are_not_known_are_one_note_and_strict_reading_refuses_them()
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{"model_type":"mamba","shoe_size":43}""");
        var result = CommandLine.Run("model", "info", _folder);
        Assert.Equal(0, result.ExitCode);
        Assert.Single(
            result.Errors.Split('\n'),
            line => line.Contains("note: ", StringComparison.Ordinal) && line.Contains("shoe_size", StringComparison.Ordinal)
        );
        var strict = CommandLine.Run("model", "info", _folder, "--strict");
        Assert.Equal(2, strict.ExitCode);
        Assert.Contains("shoe_size", strict.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.onnx", "ends in '.onnx'")]
    [InlineData("model.bin", "--tokenizer-bin")]
    [InlineData("missing.gguf", "does not exist")]
    public void A_file_that_is_not_a_model_is_refused(string file, string message)
    {
        var from = Path.Combine(_folder, file);
        if (!file.StartsWith("missing", StringComparison.Ordinal)) File.WriteAllBytes(from, [1, 2, 3]);
        var result = CommandLine.Run("model", "import", "--from", from, "--out", Path.Combine(_folder, "out"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "out")));
    }
}
