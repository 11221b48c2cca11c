using Dolmen.Benchmarks;
using Dolmen.Serving;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Serving;

/// <summary>The short form of <c>dolmen bench serve</c>: many clients and bad ones at once, over real connections.</summary>
public class Soak
{
    [Fact]
    public async Task Many_clients_get_the_texts_that_they_would_get_alone_whatever_others_do()
    {
        var stop = TestContext.Current.CancellationToken;
        // Room for a few of the texts only: others wait, or give way.
        var options = new ServerOptions(MaxWaiting: 100, MaxSequences: 6) { GraceSeconds = 1.5 };
        await using var server = await RunningServer.Start(FakeModel.OfHistory(ByteTokenizer.PairBase, 256), options);
        using var clients = new ServeClients(server.Address, [.. Enumerable.Range(0, 12).Select(i => new ServeRequest(
            $$"""{"prompt":"{{Prompt(i)}}","max_tokens":{{Tokens(i)}},"seed":{{i}},"ignore_eos":true}""", Tokens(i)))]);
        await clients.Alone(stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var disturbing = clients.Disturb(2, over.Token);
        var outcome = await clients.Together(clients: 12, each: 12, seconds: double.MaxValue, stop);
        await over.CancelAsync();
        await disturbing;
        Assert.Equal((144, 0, 0), (outcome.Answered, outcome.Lost, outcome.Different));
        while (!(await server.Get("/metrics")).Contains("num_requests_running{model_name=\"fake\"} 0\n")) await Task.Delay(20, stop);
        Assert.Empty(server.Log);
    }

    private static string Prompt(int i) => new((char)('a' + i), 1 + i * 9 % 31);

    private static int Tokens(int i) => 8 + i * 5 % 23;
}
