using System.Net;
using System.Security.Cryptography;
using System.Text;
using Dolmen.Artifacts;
using Dolmen.Checkpoints.Hub;

namespace Dolmen.Tests.Checkpoints;

/// <summary>Against a server on this machine that behaves as a hub does, and as a hub should not.</summary>
public sealed class HubDownloadTests : IDisposable
{
    private static readonly byte[] Weights = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7 % 251))];
    private readonly TemporaryFolder _folder = new();
    private readonly LoopbackHub _hub = new();

    public HubDownloadTests()
    {
        _hub.Large("model.safetensors", Weights);
        _hub.Small("config.json", """{"model_type":"llama"}""");
        _hub.Small("README.md", "# a model");
    }

    public void Dispose()
    {
        _hub.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_repository_arrives_whole_without_what_is_not_needed()
    {
        _hub.Large("pytorch_model.bin", [1, 2, 3]);
        _hub.Small("modeling.py", "print('hello')");
        _hub.Small(".gitattributes", "x");
        var (taken, aside) = await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
        Assert.Equal(["README.md", "config.json", "model.safetensors"], Files());
        Assert.Equal(3, taken.Count);
        Assert.Equal([".gitattributes", "modeling.py", "pytorch_model.bin"], aside.Select(file => file.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_breaks_goes_on_where_it_stopped()
    {
        _hub.BreakAfter = 40_000;
        await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
        Assert.Contains("bytes=40000-", _hub.Ranges);
    }

    [Fact]
    public async Task An_interrupted_pull_resumes_from_the_partial_file()
    {
        Directory.CreateDirectory(_folder["m"]);
        File.WriteAllBytes(_folder["m/model.safetensors.partial"], Weights[..70_000]);
        await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
        Assert.Equal(["bytes=70000-"], _hub.Ranges);
    }

    [Fact]
    public async Task What_is_there_and_right_is_not_fetched_again()
    {
        await Pull();
        _hub.Requests.Clear();
        await Pull();
        Assert.DoesNotContain(_hub.Requests, request => request.Contains("/resolve/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_partial_file_of_something_else_is_started_over()
    {
        Directory.CreateDirectory(_folder["m"]);
        File.WriteAllBytes(_folder["m/model.safetensors.partial"], new byte[500]);
        await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
    }

    [Fact]
    public async Task A_server_without_ranges_is_read_from_the_start()
    {
        _hub.KnowsRanges = false;
        Directory.CreateDirectory(_folder["m"]);
        File.WriteAllBytes(_folder["m/model.safetensors.partial"], Weights[..70_000]);
        await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public async Task A_wrong_checksum_is_refused_and_leaves_nothing(string file)
    {
        _hub.Spoil = file;
        var error = await Assert.ThrowsAsync<UserErrorException>(Pull);
        Assert.Contains($"'{file}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(file, Files());
    }

    [Fact]
    public async Task More_bytes_than_announced_are_refused()
    {
        _hub.Excess = true;
        Assert.Contains("longer than", (await Assert.ThrowsAsync<UserErrorException>(Pull)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_download_longer_than_announced_leaves_nothing()
    {
        _hub.Excess = true;
        await Assert.ThrowsAsync<UserErrorException>(Pull);
        Assert.DoesNotContain(Files(), name => name.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(60_000)]
    public async Task A_list_of_files_that_drips_or_stalls_is_not_waited_for(int milliseconds)
    {
        _hub.Drip = TimeSpan.FromMilliseconds(milliseconds);
        using var client = new HubClient(_hub.Address)
        {
            Patience = TimeSpan.FromMilliseconds(300),
            FirstPause = TimeSpan.FromMilliseconds(1),
        };
        var error = await Assert
            .ThrowsAsync<UserErrorException>(() => new HubDownload(client).RunAsync(new HubRepository("owner/name"), _folder["m"], default))
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Contains("did not send its whole answer", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.json", "a.json/b.json")]
    [InlineData("A.json", "a.JSON/x/b.json")]
    public async Task A_file_inside_a_file_is_refused_before_anything_is_fetched(string one, string other)
    {
        _hub.Small(one, "{}");
        _hub.Small(other, "{}");
        Assert.Contains("in a folder of that name", (await Assert.ThrowsAsync<UserErrorException>(Pull)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_hub.Requests, request => request.Contains("/resolve/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hf_a\nhf_b")]
    [InlineData("hf_a\r\nX: y")]
    [InlineData("hf a")]
    [InlineData("hf_\u00E9")]
    [InlineData("hf_a\0")]
    public void A_token_that_is_not_one_word_is_refused_without_being_shown(string token)
    {
        var message = Assert.Throws<UserErrorException>(() => new HubClient(_hub.Address, token)).Message;
        Assert.StartsWith("HF_TOKEN", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://user:secret@hub.example/")]
    [InlineData("ftp://user:secret@hub.example/")]
    [InlineData("user:secret@hub.example")]
    public void A_password_in_the_endpoint_is_refused_and_not_shown(string endpoint) =>
        Assert.DoesNotContain("secret", Assert.Throws<UserErrorException>(() => new HubClient(endpoint)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task The_token_goes_to_the_hub_and_not_where_it_redirects_to()
    {
        using var other = new LoopbackHub();
        other.Large("model.safetensors", Weights);
        _hub.RedirectTo = other.Address;
        await Pull("secret");
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
        Assert.NotEmpty(_hub.Tokens);
        Assert.All(_hub.Tokens, token => Assert.Equal("Bearer secret", token));
        Assert.NotEmpty(other.Tokens);
        Assert.All(other.Tokens, Assert.Null);
    }

    [Fact]
    public async Task Pickled_weights_alone_are_refused()
    {
        using var hub = new LoopbackHub();
        hub.Large("pytorch_model.bin", Weights);
        hub.Small("config.json", "{}");
        var error = await Assert.ThrowsAsync<UserErrorException>(() => Pull(hub, null));
        Assert.Contains("pickles", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(hub.Requests, request => request.Contains("/resolve/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("../evil.safetensors")]
    [InlineData("a/../../evil.json")]
    [InlineData("/etc/evil.json")]
    [InlineData("C:\\evil.json")]
    [InlineData("a//b.json")]
    [InlineData("x.json.partial")]
    public async Task A_path_out_of_the_folder_is_refused_before_anything_is_fetched(string path)
    {
        _hub.Small(path, "evil");
        var error = await Assert.ThrowsAsync<UserErrorException>(Pull);
        Assert.Contains("outside its folder", error.Message, StringComparison.Ordinal);
        Assert.Empty(Files());
    }

    [Theory]
    [InlineData(401, "HF_TOKEN")]
    [InlineData(403, "ask for access")]
    [InlineData(404, "check the name")]
    public async Task A_refusal_says_what_to_do(int status, string message)
    {
        _hub.Status = (HttpStatusCode)status;
        Assert.Contains(message, (await Assert.ThrowsAsync<UserErrorException>(Pull)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_fails_at_first_is_asked_again()
    {
        _hub.FailFirst = 2;
        await Pull();
        Assert.Equal(Weights, File.ReadAllBytes(_folder["m/model.safetensors"]));
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named()
    {
        _hub.Dispose();
        Assert.Contains(
            "127.0.0.1 cannot be reached",
            (await Assert.ThrowsAsync<UserErrorException>(Pull)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("name")]
    [InlineData("../name")]
    [InlineData("a/b/c")]
    [InlineData("a/..")]
    public void A_name_that_is_none_is_refused(string id) => Assert.Throws<UserErrorException>(() => new HubRepository(id));

    private Task<(IReadOnlyList<HubFile> Taken, IReadOnlyList<HubFile> LeftAside)> Pull() => Pull(_hub, null);

    private Task<(IReadOnlyList<HubFile> Taken, IReadOnlyList<HubFile> LeftAside)> Pull(string token) => Pull(_hub, token);

    private async Task<(IReadOnlyList<HubFile> Taken, IReadOnlyList<HubFile> LeftAside)> Pull(LoopbackHub hub, string? token)
    {
        using var client = new HubClient(hub.Address, token) { FirstPause = TimeSpan.FromMilliseconds(1) };
        return await new HubDownload(client).RunAsync(new HubRepository("owner/name"), _folder["m"], TestContext.Current.CancellationToken);
    }

    private IEnumerable<string> Files() => Directory.Exists(_folder["m"])
        ? Directory.GetFiles(_folder["m"]).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal) : [];
}
