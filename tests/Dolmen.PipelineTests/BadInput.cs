namespace Dolmen.PipelineTests;

/// <summary>Exit code 2, one clear message, nothing written.</summary>
[Collection(nameof(QuickstartFixture))]
public sealed class BadInput(QuickstartFixture fixture) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dolmen-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Out => Path.Combine(_folder, "out");

    [Fact]
    public void An_input_that_is_not_there() =>
        Refused($"--input {_folder}/none does not exist", "quickstart", "--input", $"{_folder}/none");

    [Fact]
    public void An_empty_input_folder()
    {
        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        Refused($"--input {empty} holds no file that can be read", "quickstart", "--input", empty);
    }

    [Fact]
    public void A_collector_that_is_not_an_address()
    {
        var result = CommandLine.Run("serve", "--model", fixture.Run, "--port", "0", "--otlp", "http://[");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--otlp is 'http://[': it must be a collector's address", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_that_do_not_exist_are_refused_before_models_of_a_folder_are_served()
    {
        var result = CommandLine.Run("serve", "--models-dir", fixture.Run, "--port", "0", "--documents", $"{_folder}/missing.sqlite");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("missing.sqlite is missing", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_key_of_a_recipe() =>
        Refused("did you mean 'learningRate'?", "quickstart", "--set", "base.optimizer.learningrate=1");

    [Fact]
    public void Sizes_that_do_not_fit() => Refused("dModel must be a multiple of heads", "quickstart",
        "--set", "model.depth=null", "--set", "model.dModel=500", "--set", "model.layers=2", "--set", "model.heads=12");

    [Theory]
    [InlineData("tokenizer", "encode", "--tokenizer", "cl100k", "--input")]
    [InlineData("tokenizer", "train", "--out", "OUT")]
    public void Text_that_is_not_UTF8_is_named_with_its_line(params string[] command)
    {
        var text = Path.Combine(_folder, "text.txt");
        File.WriteAllBytes(text, [.. "fine\ncaf"u8, 0xE9, .. "\n"u8]);
        var result = CommandLine.Run([.. command.Select(word => word == "OUT" ? Out : word), text]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{text}, line 2 is not valid UTF-8 (byte 0xE9 at column 4)", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void Standard_input_that_is_not_UTF8_is_an_error_and_a_byte_order_mark_is_skipped()
    {
        Assert.Equal((2, ""), Encode([(byte)'a', 0xE9]));
        Assert.Equal((0, "64"), Encode([0xEF, 0xBB, 0xBF, (byte)'a']));

        static (int, string) Encode(byte[] text)
        {
            using var process = CommandLine.Start("tokenizer", "encode", "--tokenizer", "cl100k");
            process.StandardInput.BaseStream.Write(text);
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            Assert.Equal(
                output.Length == 0,
                errors.GetAwaiter().GetResult().Contains("standard input, line 1 is not valid UTF-8", StringComparison.Ordinal)
            );
            return (process.ExitCode, output);
        }
    }

    [Theory]
    [InlineData("tokenizer", "view", "--tokenizer", "cl100k")]
    [InlineData("generate", "--max-tokens", "2", "--prompt", "-", "--model", "RUN")]
    [InlineData("chat", "--max-tokens", "2", "--model", "RUN")]
    public async Task Every_command_that_reads_standard_input_refuses_other_encodings(params string[] command)
    {
        using var process = CommandLine.Start([.. command.Select(word => word == "RUN" ? fixture.Run : word)]);
        await process.StandardInput.BaseStream.WriteAsync((byte[])[.. "caf"u8, 0xE9], TestContext.Current.CancellationToken);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, process.ExitCode);
        Assert.Contains(
            "standard input, line 1 is not valid UTF-8 (byte 0xE9 at column 4)",
            await errors,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_option_that_does_not_exist() => Refused("--minuts", "quickstart", "--minuts", "1");

    [Theory]
    [InlineData("Did you mean '--tokenizer'?", "tokenizer", "encode", "--tokenzier", "cl100k", "text")]
    [InlineData("Did you mean '--text-field'?", "corpus", "build", "--input", "a.jsonl", "--text-feild", "content")]
    [InlineData("Did you mean 'tokenizer'?", "bench", "tokeniser")]
    [InlineData("Did you mean '--model'?", "serve", "--modle", "x")]
    [InlineData("Did you mean 'encode'?", "tokenizer", "encod", "text")]
    public void A_misspelt_word_names_the_nearest(string message, params string[] arguments)
    {
        var result = CommandLine.Run(arguments);
        Assert.Equal(2, result.ExitCode);
        // What stands behind it is not a complaint of its own.
        Assert.Equal(2, result.Errors.Trim().Split('\n').Length);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sft", "--conversations", """{"prompt":"a","completion":"b"}""")]
    [InlineData("dpo", "--preferences", """{"prompt":"a","chosen":"b","rejected":"c"}""")]
    public void An_encoder_decoder_cannot_be_aligned(string verb, string option, string line)
    {
        string[] tiny =
        [
            "--set", "base.totalTokens=2048", "--set", "sft.totalTokens=1", "--set", "dpo.totalPairs=1", "--set", "training.validations=1",
            "--set", "model.dModel=16", "--set", "model.pair.dEmbedding=8",
        ];
        var model = Path.Combine(_folder, "pairs");
        string[] pretrain = ["model", "pretrain", "tiny/reverse", "--pairs", "reverse:200:1", "--out", model, "--threads", "1"];
        var trained = CommandLine.Run([.. pretrain, .. tiny]);
        Assert.True(trained.ExitCode == 0, trained.Errors);
        var data = Path.Combine(_folder, "data.jsonl");
        File.WriteAllText(data, line + "\n");
        Refused("holds an encoder–decoder (seq2seq)", "align", verb, "--model", Path.Combine(model, "model"), option, data);
    }

    [Fact]
    public void A_folder_that_holds_something_else()
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, "mine.txt"), "mine");
        File.WriteAllText(Path.Combine(_folder, "text.txt"), "Some text.");
        var result = CommandLine.Run("quickstart", "--out", Out, "--input", Path.Combine(_folder, "text.txt"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("is not empty and holds no run", result.Errors, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(Out, "mine.txt")], Directory.EnumerateFileSystemEntries(Out));
    }

    [Fact]
    public void A_full_disk_leaves_nothing_half_written()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("/dev/full, a disk that is always full, is Linux's.");
        Directory.CreateDirectory(_folder);
        var target = Path.Combine(_folder, "mine.jsonc");
        File.CreateSymbolicLink(target + ".partial", "/dev/full");
        var result = CommandLine.Run("recipe", "copy", "quickstart", target);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("the disk is full", result.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    private void Refused(string because, params string[] arguments)
    {
        var result = CommandLine.Run([.. arguments, "--out", Out]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(because, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.False(Directory.Exists(Out));
    }
}
