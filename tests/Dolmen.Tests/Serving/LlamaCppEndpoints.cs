using System.Net;
using System.Text;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Serving;

/// <summary>/tokenize, /detokenize, /apply-template, /props and /slots as clients of llama.cpp know them.</summary>
public class LlamaCppEndpoints
{
    [Theory]
    [InlineData("""{"content":"hi"}""", """{"tokens":[104,105]}""")]
    [InlineData("""{"content":""}""", """{"tokens":[]}""")]
    [InlineData("""{"content":"hi","add_special":true}""", """{"tokens":[256,104,105]}""")]
    [InlineData("""{"content":["a",98,"c"],"model":"fake"}""", """{"tokens":[97,98,99]}""")]
    [InlineData("""{"content":"aá","with_pieces":true}""",
        """{"tokens":[{"id":97,"piece":"a"},{"id":195,"piece":[195]},{"id":161,"piece":[161]}]}""")]
    [InlineData("""{"content":[258],"with_pieces":true}""", """{"tokens":[{"id":258,"piece":"<|pad|>"}]}""")]
    public async Task Tokens_of_a_text(string request, string expected)
    {
        await using var server = await RunningServer.Start();
        Assert.Equal((HttpStatusCode.OK, expected), await server.Post("/tokenize", request));
    }

    [Theory]
    [InlineData("""{"tokens":[104,105]}""", "hi")]
    [InlineData("""{"tokens":[195,161,262]}""", "á<|end|>")]
    [InlineData("""{"tokens":[]}""", "")]
    public async Task Text_of_tokens(string request, string expected)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post("/detokenize", request);
        Assert.Equal((HttpStatusCode.OK, expected), (status, JsonElement.Parse(body).GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Special_tokens_are_read_from_text_unless_it_is_asked_otherwise()
    {
        // A real vocabulary: that of the fakes reads none.
        await using var server = await RunningServer.Start(tokenizer: BpeTrainer.Train(
            ["ab"], new TokenizerRecipe(263), new Progress<StageProgress>(), TestContext.Current.CancellationToken));
        var parsed = JsonElement.Parse((await server.Post("/tokenize", """{"content":"a<|end|>","with_pieces":true}""")).Body);
        Assert.Equal("<|end|>", parsed.GetProperty("tokens")[1].GetProperty("piece").GetString());
        var plain = JsonElement.Parse((await server.Post("/tokenize", """{"content":"a<|end|>","parse_special":false}""")).Body);
        Assert.True(plain.GetProperty("tokens").GetArrayLength() > 2);
    }

    [Theory]
    [InlineData("/tokenize", "{}", 400, "'content' is missing")]
    [InlineData("/tokenize", """{"content":5}""", 400, "an array of strings and token ids")]
    [InlineData("/tokenize", """{"content":[true]}""", 400, "an array of strings and token ids")]
    [InlineData("/tokenize", """{"content":"a","add_specials":true}""", 400, "did you mean 'add_special'?")]
    [InlineData("/tokenize", """{"content":"\ud800"}""", 400, "half a surrogate pair")]
    [InlineData("/tokenize", """{"content":"a","model":"other"}""", 404, "does not exist here")]
    [InlineData("/detokenize", """{"tokens":"hi"}""", 400, "an array of token ids")]
    [InlineData("/detokenize", """{"tokens":[263]}""", 400, "token ids from 0 to 262")]
    [InlineData("/detokenize", """{"tokens":[1.5]}""", 400, "token ids from 0 to 262")]
    [InlineData("/detokenize", "[1]", 400, "must be a JSON object")]
    [InlineData("/apply-template", """{"messages":[]}""", 400, "at least one message")]
    [InlineData("/apply-template", """{"messages":[{"role":"user","content":"a"}],"prompt":"a"}""", 400, "'prompt' is not a field")]
    public async Task What_is_wrong_is_said(string path, string request, int expected, string message)
    {
        await using var server = await RunningServer.Start();
        var (status, body) = await server.Post(path, request);
        Assert.Equal(expected, (int)status);
        Assert.Contains(message, JsonElement.Parse(body).GetProperty("error").GetProperty("message").GetString()!,
            StringComparison.Ordinal);
    }

    /// <summary>The tokens of the template are those that a chat goes on with.</summary>
    [Fact]
    public async Task A_conversation_as_the_model_reads_it()
    {
        const string messages =
            "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"<|end|> h\"}]";
        await using var server = await RunningServer.Start();
        var applied = JsonElement.Parse((await server.Post("/apply-template", $"{{{messages},\"temperature\":0.5}}")).Body);
        Assert.Equal("<|bos|><|system|>Be brief.<|end|><|user|><|end|> h<|end|><|assistant|>", applied.GetProperty("prompt").GetString());
        var tokens = applied.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()).ToList();
        Assert.Equal(2, tokens.Count(token => token == new ByteTokenizer().Special.End));         // that of the message is text
        var chat = JsonElement.Parse((await server.Post(
            "/v1/chat/completions", $"{{{messages},\"temperature\":0,\"max_tokens\":5}}")).Body);
        Assert.Equal(tokens.Count, chat.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        var opened = JsonElement.Parse(
            (await server.Post("/apply-template", $"{{{messages},\"add_generation_prompt\":false}}")).Body);
        Assert.Equal(tokens.SkipLast(1), opened.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()));
    }

    [Fact]
    public async Task Properties_of_the_server()
    {
        await using var server = await RunningServer.Start(
            options: new ServerOptions(MaxSequences: 3), defaults: new Dolmen.Inference.SamplingDefaults(0.7, TopK: 40, MaxTokens: 99));
        var props = await Get(server, "/props");
        Assert.Equal((3, "fake", "fake"), (props.GetProperty("total_slots").GetInt32(), props.GetProperty("model_alias").GetString(),
            props.GetProperty("model_path").GetString()));
        var settings = props.GetProperty("default_generation_settings");
        Assert.Equal(64, settings.GetProperty("n_ctx").GetInt32());
        var sampling = settings.GetProperty("params");
        Assert.Equal((0.7, 40, 99), (sampling.GetProperty("temperature").GetDouble(), sampling.GetProperty("top_k").GetInt32(),
            sampling.GetProperty("n_predict").GetInt32()));
        Assert.Equal(("<|bos|>", "<|endoftext|>"),
            (props.GetProperty("bos_token").GetString(), props.GetProperty("eos_token").GetString()));
        Assert.Contains("<|assistant|>", props.GetProperty("chat_template").GetString()!, StringComparison.Ordinal);
        Assert.Equal(ByteTokenizer.PairBase, props.GetProperty("meta").GetProperty("n_vocab").GetInt32());
    }

    [Fact]
    public async Task Slots_tell_how_far_texts_are_and_not_what_they_say()
    {
        using var hold = new SemaphoreSlim(0);
        using var reached = new SemaphoreSlim(0);
        var model = FakeModel.OfAlphabet(contextLength: 4000);
        await using var server = await RunningServer.Start(model, new ServerOptions(MaxSequences: 2));
        var held = true;
        model.BeforeStep = () =>
        {
            reached.Release();
            if (Volatile.Read(ref held)) hold.Wait(TimeSpan.FromSeconds(20));
        };
        using var leaves = new CancellationTokenSource();
        using var request = new StringContent(
            """{"prompt":"secret k","max_tokens":3000,"temperature":0,"stop":"sesame","ignore_eos":true}""", Encoding.UTF8,
            "application/json");
        var running = server.Http.PostAsync(new Uri("/v1/completions", UriKind.Relative), request, leaves.Token);
        await reached.WaitAsync(TestContext.Current.CancellationToken);
        hold.Release();
        await reached.WaitAsync(TestContext.Current.CancellationToken);
        var slots = await Get(server, "/slots?fail_on_no_slot=1");
        Assert.Equal(2, slots.GetArrayLength());
        Assert.Equal([true, false], slots.EnumerateArray().Select(slot => slot.GetProperty("is_processing").GetBoolean()));
        Assert.Equal((9, 9, 0), (slots[0].GetProperty("n_prompt_tokens").GetInt32(),
            slots[0].GetProperty("n_prompt_tokens_processed").GetInt32(), slots[0].GetProperty("n_prompt_tokens_cache").GetInt32()));
        var next = slots[0].GetProperty("next_token")[0];
        Assert.Equal((1, 2999), (next.GetProperty("n_decoded").GetInt32(), next.GetProperty("n_remain").GetInt32()));
        Assert.DoesNotContain("secret", slots.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", slots.GetRawText(), StringComparison.Ordinal);

        var second = server.Post("/v1/completions", """{"prompt":"k","max_tokens":2999,"ignore_eos":true}""");
        HttpStatusCode status;
        do
        {
            hold.Release();
            await reached.WaitAsync(TestContext.Current.CancellationToken);
            using var answer = await server.Http.GetAsync(
                new Uri("/slots?fail_on_no_slot=1", UriKind.Relative), TestContext.Current.CancellationToken);
            status = answer.StatusCode;
        }
        while (status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        await leaves.CancelAsync();
        Volatile.Write(ref held, false);
        hold.Release(2);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(HttpStatusCode.OK, (await second).Status);
        Assert.All((await Get(server, "/slots")).EnumerateArray(), slot => Assert.False(slot.GetProperty("is_processing").GetBoolean()));
    }

    [Fact]
    public async Task A_model_is_loaded_for_its_properties_once_and_never_for_its_slots()
    {
        const int bytes = 4 << 20;
        var loads = new List<string>();
        ModelSource Source(string name) => new(name, () =>
        {
            loads.Add(name);
            return new ServedModel(name, new FakeModel(ByteTokenizer.PairBase, 64, (_, _) => 0) { Bytes = bytes }, new ByteTokenizer());
        }) { FileBytes = bytes };
        await using var server = await RunningServer.Start(
            [Source("a"), Source("b")], new ServerOptions(MaxSequences: 3, ModelBytes: bytes + 1));
        Assert.Equal(0, (await Get(server, "/slots?model=a")).GetArrayLength());
        Assert.Empty(loads);
        var first = await Get(server, "/props?model=a");
        Assert.Equal("b", (await Get(server, "/props?model=b")).GetProperty("model_alias").GetString());     // for which a is dropped
        var again = await Get(server, "/props?model=a");
        foreach (var name in (string[])["model_alias", "default_generation_settings", "meta", "chat_template"])
            Assert.Equal(first.GetProperty(name).GetRawText(), again.GetProperty(name).GetRawText());
        Assert.Equal(3, (await Get(server, "/slots?model=b")).GetArrayLength());
        Assert.Equal(["a", "b"], loads);
    }

    private static async Task<JsonElement> Get(RunningServer server, string path) => JsonElement.Parse(
        await server.Http.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken));
}
