using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dolmen.Inference;

namespace Dolmen.Cli.Commands;

internal static class GenerateCommand
{
    public static Command Build()
    {
        var command = new Command("generate", "Continue a text.");
        var (model, precision, kvCache) = (CommonOptions.RunnableModel(), CommonOptions.Precision(), CommonOptions.KvCache());
        var (threads, json) = (CommonOptions.Threads(), CommonOptions.Json());
        var prompt = new Option<string>("--prompt") { Description = "The text to continue; '-' reads standard input.", HelpName = "TEXT",
            Required = true };
        var escapes = new Option<bool>("--escapes") { Description = "In the prompt, \\n is a new line, \\t a tab and \\\\ a backslash." };
        var flags = new SamplingFlags(temperature: 0.8);
        var speculation = new SpeculationFlags();
        command.Add(model);
        command.Add(prompt);
        command.Add(escapes);
        flags.AddTo(command);
        speculation.AddTo(command);
        command.Add(precision);
        command.Add(kvCache);
        command.Add(threads);
        command.Add(json);
        command.Add(CommonOptions.Strict());
        command.Runs((parsed, stop) =>
        {
            var options = flags.Read(parsed, parsed.GetRequiredValue(model));
            var (loaded, tokenizer) = ModelFolder.Load(
                parsed.GetRequiredValue(model), parsed.GetValue(threads), CommonOptions.PrecisionOf(parsed, precision),
                CommonOptions.KvCacheOf(parsed, kvCache));
            using var owned = loaded;
            var guesses = speculation.Read(parsed, tokenizer, parsed.GetValue(threads));
            using var draft = guesses?.DraftModel;
            options = flags.Complete(options, parsed, tokenizer);
            var text = parsed.GetRequiredValue(prompt);
            if (text == "-") text = StandardInput.ReadToEnd();
            if (parsed.GetValue(escapes)) text = Unescaped(text);
            var asJson = parsed.GetValue(json);
            var generator = new Generator(loaded, tokenizer, guesses);
            var result = generator.Generate(tokenizer.EncodePrompt(text), options, asJson ? null : Console.Out.Write,
                stop: stop);
            if (asJson)
            {
                var reason = result.FinishReason == FinishReason.Stop ? "stop" : "length";
                var s = result.Statistics;
                Console.Out.WriteLine(JsonSerializer.Serialize(
                    new GeneratedText(result.Text, reason, s.PrefillTokens, result.Tokens.Length, s.PrefillTokensPerSecond,
                        s.DecodeTokensPerSecond, s.DraftedTokens, s.AcceptedTokens),
                    GenerateCommandJson.Default.GeneratedText));
                return;
            }
            Console.Out.WriteLine();
            Console.Error.WriteLine(Speeds(result.Statistics));
        });
        return command;
    }

    /// <summary>Shells do not agree on how a new line is typed within an argument.</summary>
    internal static string Unescaped(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            var meant = (text[i], next) switch
            {
                ('\\', 'n') => '\n',
                ('\\', 't') => '\t',
                ('\\', '\\') => '\\',
                _ => '\0',
            };
            plain.Append(meant == '\0' ? text[i] : meant);
            if (meant != '\0') i++;
        }
        return plain.ToString();
    }

    internal static string Speeds(GenerationStatistics s) =>
        $"prefill {s.PrefillTokens} tokens, {s.PrefillTokensPerSecond:N0}/s · decode {s.DecodeTokens} tokens, " +
            $"{s.DecodeTokensPerSecond:N0}/s"
            + (s.DraftedTokens > 0 ? $" · {s.AcceptedTokens} of {s.DraftedTokens} guesses right" : "");
}

internal sealed record GeneratedText(
    string Text, string FinishReason, int PromptTokens, int CompletionTokens, double PrefillTokensPerSecond, double DecodeTokensPerSecond,
    int DraftedTokens, int AcceptedTokens);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(GeneratedText))]
internal sealed partial class GenerateCommandJson : JsonSerializerContext;
