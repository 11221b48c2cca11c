using Dolmen.Data.Languages;

namespace Dolmen.Tests.Data.Languages;

public class LanguagesOfTexts
{
    private static readonly ILanguageIdentifier Default = LanguageIdentifiers.Load();

    [Theory]
    [InlineData("en", "The ferry was late again this morning, so we drank our coffee on the pier and watched the gulls.")]
    [InlineData("de", "Die Fähre kam heute Morgen wieder zu spät, also tranken wir unseren Kaffee auf der Mole.")]
    [InlineData("es", "El barco llegó tarde otra vez esta mañana, así que tomamos el café en el muelle y miramos las gaviotas.")]
    [InlineData("fr", "Le bateau était encore en retard ce matin, alors nous avons bu notre café sur le quai en regardant les mouettes.")]
    [InlineData("it", "Il traghetto era di nuovo in ritardo stamattina, così abbiamo bevuto il caffè sul molo guardando i gabbiani.")]
    [InlineData("pt", "O barco atrasou-se outra vez esta manhã, por isso bebemos o nosso café no cais e ficámos a ver as gaivotas.")]
    [InlineData("nl", "De veerboot was vanmorgen weer te laat, dus dronken we onze koffie op de pier en keken naar de meeuwen.")]
    [InlineData("pl", "Prom znowu się dziś spóźnił, więc wypiliśmy kawę na molo i patrzyliśmy na mewy.")]
    [InlineData("fi", "Lautta oli taas tänä aamuna myöhässä, joten joimme kahvimme laiturilla ja katselimme lokkeja.")]
    [InlineData("tr", "Vapur bu sabah yine gecikti, biz de iskelede kahvemizi içip martıları seyrettik.")]
    [InlineData("vi", "Sáng nay chuyến phà lại đến muộn nên chúng tôi ngồi uống cà phê trên bến và ngắm chim hải âu.")]
    [InlineData("sw", "Kivuko kilichelewa tena asubuhi hii, kwa hiyo tulikunywa kahawa yetu gatini na kutazama ndege.")]
    [InlineData("so", "Markabku saakay mar kale wuu soo daahay, markaa waxaan qaxwada ku cabnay dekedda.")]
    [InlineData("yo", "Ọkọ̀ ojú omi náà tún pẹ́ ní òwúrọ̀ yìí, nítorí náà a mu kọfí wa ní etí òkun.")]
    [InlineData("ru", "Паром сегодня утром снова опоздал, поэтому мы пили кофе на пристани и смотрели на чаек.")]
    [InlineData("uk", "Пором сьогодні вранці знову запізнився, тож ми пили каву на пристані й дивилися на чайок.")]
    [InlineData("bg", "Фериботът тази сутрин пак закъсня, затова изпихме кафето си на кея и гледахме чайките.")]
    [InlineData(
        "sr",
        "Трајект је јутрос опет каснио, па смо попили кафу на молу и гледали галебове. Нико се није љутио јер је дан био леп."
    )]
    [InlineData("kk", "Паром бүгін таңертең тағы кешікті, сондықтан біз айлақта кофе ішіп, шағалаларды тамашаладық.")]
    [InlineData("ar", "تأخرت العبارة مرة أخرى هذا الصباح، فشربنا قهوتنا على الرصيف ونحن نراقب النوارس.")]
    [InlineData("fa", "کشتی امروز صبح دوباره دیر رسید، برای همین قهوه‌مان را روی اسکله خوردیم و مرغ‌های دریایی را تماشا کردیم.")]
    [InlineData("ur", "آج صبح کشتی پھر دیر سے آئی، اس لیے ہم نے گھاٹ پر بیٹھ کر کافی پی اور پرندوں کو دیکھتے رہے۔")]
    [InlineData("hi", "आज सुबह नाव फिर देर से आई, इसलिए हम ने घाट पर बैठ कर चाय पी और पक्षियों को देखते रहे।")]
    [InlineData("mr", "आज सकाळी होडी पुन्हा उशिरा आली, म्हणून आम्ही धक्क्यावर चहा घेतला आणि पक्षी पाहत बसलो होते.")]
    [InlineData("ne", "आज बिहान डुङ्गा फेरि ढिलो आयो, त्यसैले हामीले घाटमा चिया खायौं र चराहरू हेर्यौं, रमाइलो पनि भयो।")]
    [InlineData("ko", "오늘 아침에도 배가 늦어서 우리는 부두에서 커피를 마시며 갈매기를 보았다.")]
    [InlineData("ja", "今朝も船が遅れたので、私たちは桟橋でコーヒーを飲みながらカモメを眺めた。")]
    [InlineData("zh", "今天早上渡船又晚了，所以我們在碼頭上喝咖啡，看海鷗。")]
    [InlineData("th", "เช้านี้เรือมาสายอีกแล้ว เราจึงนั่งดื่มกาแฟที่ท่าเรือ")]
    [InlineData("my", "ဒီမနက် သင်္ဘော နောက်ကျပြန်တယ်။ ဒါကြောင့် ဆိပ်ကမ်းမှာ ကော်ဖီသောက်ကြတယ်။")]
    [InlineData("el", "Το πλοίο άργησε πάλι σήμερα το πρωί, γι' αυτό ήπιαμε τον καφέ μας στην προβλήτα.")]
    [InlineData("he", "המעבורת איחרה שוב הבוקר, אז שתינו את הקפה שלנו על הרציף והסתכלנו על השחפים.")]
    [InlineData("yi", "די שיף האט זיך הײנט אין דער פרי װידער פארשפעטיקט, האבן מיר געטרונקען קאװע אױפן ברעג.")]
    [InlineData("bn", "আজ সকালে ফেরি আবার দেরি করল, তাই আমরা ঘাটে বসে চা খেলাম।")]
    [InlineData("as", "আজি পুৱা ফেৰীখন আকৌ পলম হ'ল, সেয়ে আমি ঘাটত বহি চাহ খালোঁ আৰু চৰাই চালোঁ।")]
    [InlineData("am", "ዛሬ ጠዋት ጀልባው እንደገና ዘገየ፤ ስለዚህ አብረን ቡና ጠጣን።")]
    [InlineData("ti", "ሎሚ ንግሆ እታ ጃልባ ከም ብሓድሽ ደንጕያ፣ ስለዚ ኣብ ወደብ ኮይንና ቡን ሰቲና።")]
    [InlineData("mt", "Illum filgħodu l-vapur reġa' kien tard, għalhekk xrobna l-kafè fuq il-moll u ħarisna lejn il-gawwi.")]
    [InlineData("ku", "Îro sibê keştî dîsa dereng ket, ji ber vê yekê me qehweya xwe li ser bendergehê vexwar û li çûkan nêrî.")]
    [InlineData("tt", "Бүген иртән паром тагын соңга калды, шуңа күрә без җәйге иртәнең матурлыгына карап кофе эчтек.")]
    [InlineData("ba", "Бөгөн иртән паром тағы һуңланы, шуға күрә беҙ ярҙа ҡәһүә эстек һәм аҡсарлаҡтарҙы күҙәттек.")]
    [InlineData("ky", "Бүгүн эртең менен паром дагы кечикти, ошондуктан биз пирсте кофе ичип, чардактарды карап турдук.")]
    [InlineData("tg", "Имрӯз субҳ киштӣ боз дер кард, бинобар ин мо дар соҳил қаҳва нӯшидем ва ба мурғҳо нигоҳ кардем.")]
    [InlineData("ug", "بۈگۈن ئەتىگەن پاراخوت يەنە كېچىكتى، شۇڭا بىز پورتتا قەھۋە ئىچىپ، قۇشلارنى تاماشا قىلدۇق.")]
    [InlineData(
        "ckb",
        "ئەم بەیانییە کەشتییەکە دیسان درەنگ هات، بۆیە لەسەر بەندەرەکە قاوەمان خواردەوە و سەیری باڵندەکانمان دەکرد، هەروەها دڵمان خۆش بوو و "
            + "گوێمان لێ بوو."
    )]
    [InlineData("ps", "نن سهار کښتۍ بیا ناوخته راغله، نو موږ د بندر په غاړه قهوه وڅښله او د مرغانو ننداره مو وکړه.")]
    [InlineData("ta", "இன்று காலை படகு மீண்டும் தாமதமானது.")]
    public void A_sentence_is_of_its_language_and_surely_so(string language, string text)
    {
        var guess = Default.Identify(text);
        Assert.Equal(language, guess.Language);
        Assert.InRange(guess.Score, 0.65, 1);
    }

    [Theory]
    [InlineData("no", "Jeg vet ikke hva hun sier, men de kommer fra øya, og noen av dem blir her hele sommeren.")]
    [InlineData("nn", "Eg veit ikkje kva ho seier, men dei kjem frå øya, og nokon av dei blir her heile sommaren.")]
    [InlineData("da", "Jeg ved ikke, hvad hun siger, men de kommer fra øen, og nogle af dem bliver her hele sommeren.")]
    [InlineData("hr", "Tijekom tjedna tvrtke nisu radile, a tko je htio kruha, čekao je do kraja siječnja.")]
    [InlineData("bs", "Šta se desilo ove sedmice, ko zna; evropske porodice čekaju do kraja januara.")]
    [InlineData("sr", "Gde je bilo mesto na kojem je čovek uvek čekao posle posla, to ovde niko ne zna.")]
    [InlineData("id", "Karena hujan, kantor polisi di kota itu tidak bisa dibuka, dan mobil kami juga rusak.")]
    [InlineData("ms", "Kerana hujan, pejabat polis di bandar itu tidak dibuka, manakala kereta kami juga rosak.")]
    [InlineData("gl", "Onte choveu moito e a xente da vila non saíu da casa ata a noite, cando xa non había ninguén na rúa, ou case.")]
    [InlineData("es", "Ayer llovió mucho y la gente del pueblo no salió de la casa hasta la noche, cuando ya no había nadie en la calle.")]
    [InlineData("pt", "Ontem choveu muito e as pessoas da aldeia não saíram de casa até à noite, quando já não havia ninguém na rua.")]
    [InlineData(
        "lb",
        "Dat ass net gutt fir d'Kanner, well si hunn och haut vun der Schoul näischt matkritt, an dat huet jiddereen gesinn."
    )]
    [InlineData("gd", "Cha robh an t-aiseag air tighinn fhathast, agus mar sin bha sinn aig a' chidhe airson greis; bha e fuar cuideachd.")]
    [InlineData("ceb", "Ang barko nadugay na usab kaganina, busa uban sa mga bata kami nag-inom ug kape sa pantalan kay adunay panahon.")]
    public void Neighbours_are_told_apart_by_their_little_words(string language, string text) =>
        Assert.Equal(language, Default.Identify(text).Language);

    [Theory]
    [InlineData("1234 -- 5678")]
    [InlineData("")]
    [InlineData("¡¿ … !?")]
    public void A_text_without_letters_is_of_no_language(string text) => Assert.Equal(LanguageGuess.Unknown, Default.Identify(text));

    [Theory]
    [InlineData("xqzt brwk pfgh jjkw zzxq vbnm qwrt plkj hgfd sxcv kqwz xxjq ptkw bnvc zqwx kkjh gfrt wqpz")]
    public void What_is_in_none_of_the_known_languages_scores_low(string text) => Assert.InRange(Default.Identify(text).Score, 0, 0.6);

    [Fact]
    public void A_page_is_of_the_language_of_its_prose()
    {
        var menu = string.Join('\n', Enumerable.Repeat("Home\nLogin\nContact us\nPrivacy", 10));
        var guess = Default.Identify(
            menu
                + "\nDie Fähre kam heute Morgen wieder zu spät, also tranken wir unseren Kaffee auf der Mole und sahen den Möwen zu, bis "
                + "der Nebel sich hob.\n"
                + menu
        );
        Assert.Equal("de", guess.Language);
    }

    [Fact]
    public void Much_in_another_script_lowers_the_certainty()
    {
        Assert.Equal(1, Default.Identify("한국어 문장입니다").Score);
        // Five syllables of weight two and nine letters.
        var mixed = Default.Identify("한국어문장 abcdefghi");
        Assert.Equal("ko", mixed.Language);
        Assert.Equal(10 / 19.0 / 0.75, mixed.Score, 1e-9);
    }

    [Theory]
    [InlineData("eng_Latn", "en")]
    [InlineData("zho_Hant", "zh")]
    [InlineData("cmn_Hani", "zh")]
    [InlineData("arb_Arab", "ar")]
    [InlineData("als_Latn", "sq")]
    [InlineData("nob_Latn", "no")]
    [InlineData("nb", "no")]
    [InlineData("ceb_Latn", "ceb")]
    [InlineData("de-AT", "de")]
    [InlineData("und", "und")]
    public void Labels_of_all_lists_are_one_code(string label, string code) => Assert.Equal(code, LanguageCodes.Of(label));

    [Fact]
    public void Many_threads_get_the_same_answers()
    {
        string[] texts = ["The gulls were loud.", "Die Möwen waren laut.", "Чайки громко кричали.", "海鷗很吵", "गंगा के किनारे है"];
        var expected = Array.ConvertAll(texts, text => Default.Identify(text));
        Parallel.For(0, 200, i => Assert.Equal(expected[i % texts.Length], LanguageIdentifiers.Load().Identify(texts[i % texts.Length])));
    }

    [Fact]
    public void Hostile_texts_cost_little()
    {
        foreach (
            var text in (string[])
                [
                    new string('a', 3_000_000),
                    new string('\uD800', 1_000_000),
                    new string('\n', 1_000_000),
                    string.Concat(Enumerable.Repeat("ab\n", 500_000)),
                ]
        )
            Assert.InRange(Default.Identify(text).Score, 0, 1);
    }

    [Fact]
    public void A_mix_tells_how_many_of_the_lines_are_in_the_main_language()
    {
        const string English = "The ferry was late again this morning, so we drank our coffee on the pier.\n";
        const string German = "Die Fähre kam heute Morgen wieder zu spät, also tranken wir Kaffee auf der Mole.\n";
        var pure = LanguageMix.Of(string.Concat(Enumerable.Repeat(English, 40)), Default);
        Assert.Equal(("en", 1, 1), (pure.Main.Language, pure.LineShare, pure.ScriptShare));
        var mixed = LanguageMix.Of(string.Concat(Enumerable.Repeat(English + English + English + German, 10)), Default, new("en", 1));
        Assert.InRange(mixed.LineShare, 0.6, 0.85);
        Assert.Equal(1, LanguageMix.Of("Short.\nLines.", Default).LineShare);
        var scripts = LanguageMix.Of("Шесть букв и ещё abcdefghijklm", Default);
        Assert.Equal(0.5, scripts.ScriptShare, 1e-9);
    }

    [Fact]
    public void Macro_F1_counts_each_language_the_same()
    {
        var score = new LanguageScore();
        Assert.Equal(0, score.MacroF1);
        for (var i = 0; i < 8; i++) score.Add("en", "en");
        score.Add("de", "de");
        score.Add("de", "en");
        score.Add("de", "nl");
        // en: precision 8/9, recall 1; de: precision 1, recall 1/3; nl is the language of none of the texts.
        Assert.Equal(["de", "en"], score.Languages.Select(language => language.Language));
        Assert.Equal((0.5 + 16.0 / 17) / 2, score.MacroF1, 1e-9);
        Assert.Equal((11, 9), (score.Texts, score.Right));
    }
}
