// SPDX-License-Identifier: MIT

// Whole words; a space stands for any separators and `*` leaves an end open.
extension PromptDifficulty {
    /// Verbs and nouns of work that takes several steps.
    static let workWords = [
        "implement*", "design", "refactor*", "optimi*", "debug*", "analy*", "prove", "proof", "derive", "compare*",
        "evaluate*", "critique*", "critically", "investigate*", "architect*", "simulat*", "plan", "assess*",
        "propose*", "develop", "build", "strategy", "essay", "review", "comprehensive", "detailed", "trade off*",
        "tradeoff*", "root cause", "step by step", "walk me through", "walk through", "walk", "how would you",
        "how should", "in detail", "reverse engineer", "justify", "deduce", "model", "migrat*", "estimate",
        "entwirf*", "entwerf*", "begründe*", "erkläre*", "analys*", "explica*", "diseñ*", "compara*", "*设计*", "*分析*",
        "*实现*", "*优化*", "*论述*", "*为什么*", "*测试*",
    ]

    /// Words that such work is described with.
    static let detailWords = [
        "explain", "why", "create", "write", "draft", "function", "class", "script", "parser", "tests*", "discuss*",
        "recommend*", "thread*", "concurren*", "distributed", "async", "database*", "schema", "kubernetes",
        "latency", "algorithm*", "complexity", "differences", "solve", "including", "implications", "risks*",
        "reason*", "requirements", "constraints", "cause*", "bug*", "error*", "leak*", "crash*", "deadlock*",
        "memory", "protocol", "production", "service*", "api*", "code", "proposal", "budget", "argument*",
        "architecture", "evidence", "scale", "query", "multi*", "propose", "suggest", "and", "find", "fix", "given",
        "each", "should",
    ]

    /// Words of questions with a short answer.
    static let lookupWords = [
        "what is", "what s", "what does", "who", "when did", "how many", "how do you spell", "translate", "convert",
        "define", "stand for", "stands for", "synonym", "command", "capital", "hi", "hello", "hey", "thanks",
        "thank you", "one sentence", "short", "joke", "name", "list the", "how long", "how far", "how tall",
        "which of", "what year", "what day", "which planet", "is it", "opposite", "typo", "spell*", "correct the",
        "recommend a", "suggest a", "shorten", "capitalize", "uppercase", "summarize this", "mean*", "tell me a",
        "yes or no", "ok", "good", "how do i check", "default", "port", "*翻译*", "what time", "print", "remind me",
        "rewrite in", "how do i", "flag", "what port",
    ]
}
