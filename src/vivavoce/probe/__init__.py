"""`viva probe`: is an audio model there, and how soon does it sound, asked at fixed times"""
